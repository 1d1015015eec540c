"""Ctrl-C in the middle of a run: what is under way is waited for and stored, and the same command goes on."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.indexing.chaos.harness import Indexing
from tests.indexing.chaos.test_chaos import write_corpus

PASSAGES = 150


def test_ctrl_c_keeps_what_is_under_way_and_says_how_to_go_on(tmp_path: Path) -> None:
    """Every answer that was served is in the store; nothing is asked twice; exit code 130."""
    corpus = write_corpus(tmp_path / "corpus", PASSAGES)
    with corpus.server(tmp_path / "log", latency=0.5) as server:
        indexing = Indexing(corpus, tmp_path / "a.hippo", server)
        with indexing.start() as process:
            indexing.await_answers(process, 20)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "the same command resumes" in err
        served = indexing.valid_answers()
        assert 20 <= served < PASSAGES
        assert len(indexing.stored()) == served
        assert indexing.run()["failed"] == 0
        assert indexing.valid_answers() == PASSAGES
    with corpus.server(tmp_path / "calm.log") as server:
        calm = Indexing(corpus, tmp_path / "calm.hippo", server)
        calm.run()
        assert indexing.export() == calm.export()


def test_a_second_run_beside_the_first_is_refused(tmp_path: Path) -> None:
    """Two would pay for the same passages: exit code 4 at once, with the reason; the first goes on."""
    corpus = write_corpus(tmp_path / "corpus", PASSAGES)
    with corpus.server(tmp_path / "log", latency=0.5) as server:
        indexing = Indexing(corpus, tmp_path / "a.hippo", server)
        with indexing.start() as first:
            indexing.await_answers(first, 1)
            with indexing.start() as second:
                _, err = second.communicate(timeout=60)
            assert second.returncode == 4, err
            assert "another run" in err
            first.communicate(timeout=60)
        assert first.returncode == 0
        assert indexing.valid_answers() == PASSAGES
