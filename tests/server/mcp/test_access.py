"""Who may do what over HTTP: keys, namespaces, rights, rates, users."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from mcp.shared.exceptions import MCPError

from hippomem.errors import EDGE, ForbiddenError
from hippomem.types import Document
from tests.server.mcp.driving import INITIALIZE

if TYPE_CHECKING:
    from hippomem.server.access import Keys
    from hippomem.service.tenants import Tenants
    from tests.server.mcp.conftest import Serve
    from tests.server.mcp.driving import Session


def fill(tenants: Tenants) -> dict[str, str]:
    """One memory in each of two namespaces; namespace → memory id."""
    return {
        name: tenants.add(name, [Document(text=f"The secret of {name} is {word}.", user=name, session="s")]).memory_ids[
            0
        ]
        for name, word in (("red", "cinnabar"), ("blue", "azurite"))
    }


async def everything(s: Session, memory_id: str, **namespace: str) -> list[str]:
    """What comes back from every tool and resource when it is asked for *memory_id* or for all there is."""
    calls: list[tuple[str, dict[str, Any]]] = [
        ("recall", {"query": "What is the secret?"}),
        ("recall", {"query": "Which blue pigment is the secret?", "user": "blue"}),
        ("explain", {"query": "What is the secret of blue?"}),
        ("browse", {}),
        ("browse", {"user": "blue"}),
        ("browse", {"after": memory_id}),
        ("remember", {"text": "The secret is out.", "supersedes": [memory_id]}),
        ("correct", {"memory_id": memory_id, "text": "There is no secret."}),
        ("forget", {"ids": [memory_id]}),
        ("forget", {"user": "blue"}),
        ("forget", {"since": "2000-01-01"}),
    ]
    told = []
    for tool, arguments in calls:
        try:
            result = await s.call(tool, **arguments, **namespace)
            told.append(result.model_dump_json())
        except MCPError as error:
            told.append(json.dumps([error.code, error.message, error.data]))
    query = "".join(f"?namespace={name}" for name in namespace.values())
    for uri in (f"hippomem://memories/{memory_id}{query}", f"hippomem://stats{query}"):
        try:
            told.append((await s.client.read_resource(uri)).model_dump_json())
        except MCPError as error:
            told.append(json.dumps([error.code, error.message, error.data]))
    told.append((await s.client.list_resources()).model_dump_json())
    told.append((await s.client.list_tools()).model_dump_json())
    return told


@pytest.mark.parametrize("rights", ["read", "write", "admin"])
@pytest.mark.parametrize("namespace", [{}, {"namespace": "blue"}])
def test_no_tool_or_resource_reaches_another_tenant(
    rights: Any, namespace: dict[str, str], tenants: Tenants, keys: Keys, serve: Serve
) -> None:
    """Whatever a key of one namespace asks for, by id, filter or name: nothing of the other comes back or changes."""
    ids = fill(tenants)
    _, key = keys.create("red", rights, ["red"])
    for answer in serve().ask(lambda s: everything(s, ids["blue"], **namespace), key=key):
        assert "azurite" not in answer
        assert '"blue"' not in answer.replace('\\"blue\\"', "")
    with tenants.reading("blue") as memory:
        assert memory.get(ids["blue"]).text == "The secret of blue is azurite."
        assert memory.count() == 1
        assert len(memory.history(ids["blue"])) == 1


def test_another_tenants_id_is_not_found_in_the_same_words_as_none(tenants: Tenants, keys: Keys, serve: Serve) -> None:
    """Nothing tells whether an id exists elsewhere."""
    ids = fill(tenants)
    _, key = keys.create("red", "write", ["red"])

    async def work(s: Session) -> None:
        for tool, arguments in (("correct", {"text": "x"}), ("forget", {})):
            name = "memory_id" if tool == "correct" else "ids"
            told = []
            for memory_id in (ids["blue"], "m-" + "0" * 24):
                value: Any = memory_id if tool == "correct" else [memory_id]
                told.append((await s.refusal(tool, **arguments, **{name: value})).replace(memory_id, "ID"))
            assert told[0] == told[1]

    serve().ask(work, key=key)


def test_a_namespace_out_of_reach_is_forbidden_whether_it_exists_or_not(
    tenants: Tenants, keys: Keys, serve: Serve
) -> None:
    """A key of two namespaces must choose, sees the choice in the schema, and is refused any other in the same words."""
    fill(tenants)
    _, key = keys.create("two", "write", ["red", "green"])

    async def work(s: Session) -> None:
        for tool in (await s.client.list_tools()).tools:
            assert tool.input_schema["properties"]["namespace"]["enum"] == ["green", "red"]
            assert "namespace" in tool.input_schema["required"]
        assert "reaches green, red: name one of them" in await s.refusal("recall", query="What is the secret?")
        assert "cinnabar" in await s.words("recall", query="What is the secret?", namespace="red")
        told = set()
        for name in ("blue", "nosuch"):
            with pytest.raises(MCPError) as caught:
                await s.call("recall", query="What is the secret?", namespace=name)
            assert caught.value.code == EDGE[ForbiddenError].mcp_code
            told.add(caught.value.message.replace(name, "NAME"))
        assert len(told) == 1
        await s.data("remember", text="The secret of green is malachite.", namespace="green")
        uris = [str(resource.uri) for resource in (await s.client.list_resources()).resources]
        assert uris == ["hippomem://stats?namespace=green", "hippomem://stats?namespace=red"]
        stats = json.loads((await s.client.read_resource(uris[0])).contents[0].text)  # type: ignore[union-attr]
        assert (stats["namespace"], stats["memories"]) == ("green", 1)

    serve().ask(work, key=key)


def test_a_key_of_one_namespace_need_not_name_it(tenants: Tenants, keys: Keys, serve: Serve) -> None:
    """There is no such argument in its schemas; given all the same, it is unknown."""
    fill(tenants)
    _, key = keys.create("red", "write", ["red"])

    async def work(s: Session) -> None:
        for tool in (await s.client.list_tools()).tools:
            assert "namespace" not in tool.input_schema["properties"]
        assert "cinnabar" in await s.words("recall", query="What is the secret?")
        assert "no argument 'namespace'" in await s.refusal("recall", query="What is the secret?", namespace="red")

    serve().ask(work, key=key)


def test_a_key_that_reads_sees_no_tool_that_writes(tenants: Tenants, keys: Keys, serve: Serve) -> None:
    """And is refused when it calls one by name."""
    ids = fill(tenants)
    _, key = keys.create("reader", "read", ["red"])

    async def work(s: Session) -> None:
        assert [tool.name for tool in (await s.client.list_tools()).tools] == ["recall", "explain", "browse"]
        for tool, arguments in (
            ("remember", {"text": "x"}),
            ("correct", {"memory_id": ids["red"], "text": "x"}),
            ("forget", {"ids": [ids["red"]]}),
        ):
            with pytest.raises(MCPError) as caught:
                await s.call(tool, **arguments)
            assert caught.value.code == EDGE[ForbiddenError].mcp_code

    serve().ask(work, key=key)
    with tenants.reading("red") as memory:
        assert memory.count() == 1


def test_without_a_key_there_is_no_way_in_once_the_store_has_one(tenants: Tenants, keys: Keys, serve: Serve) -> None:
    """401 with the scheme to use, and the error body of REST; a revoked key counts as none."""
    served = serve()
    assert served.post(INITIALIZE).status_code == 200
    key_id, key = keys.create("red", "write", ["red"])
    for headers in ({}, {"authorization": "Bearer hm_nonsense"}, {"authorization": f"Basic {key}"}):
        response = served.post(INITIALIZE, **headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["error"]["type"] == "UnauthenticatedError"
    assert served.post(INITIALIZE, authorization=f"Bearer {key}").status_code == 200
    keys.revoke(key_id)
    keys.create("other", "write", ["red"])
    assert served.post(INITIALIZE, authorization=f"Bearer {key}").status_code == 401


def test_a_key_may_ask_so_often(keys: Keys, serve: Serve) -> None:
    """Beyond its rate it gets 429, with the seconds to wait."""
    _, key = keys.create("red", "write", ["red"])
    served = serve(rate=6)
    responses = [served.post(INITIALIZE, authorization=f"Bearer {key}") for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 429, 429]
    assert int(responses[1].headers["retry-after"]) >= 1
    assert responses[1].json()["error"]["type"] == "RateLimitError"


def test_one_user_of_several(serve: Serve, tenants: Tenants) -> None:
    """A server for one user remembers for that one, and shows and changes nothing of others."""
    other = tenants.add("home", [Document(text="Ben likes coffee.", user="ben")]).memory_ids[0]
    shared = tenants.add(
        "home",
        [
            Document(text="Tea is green.", user="ben", metadata={"by": "ben"}),
            Document(text="Tea is green.", user="anna"),
        ],
    ).memory_ids[0]

    async def work(s: Session) -> None:
        for tool in (await s.client.list_tools()).tools:
            assert not {"user", "namespace"} & set(tool.input_schema["properties"])
        mine = (await s.data("remember", text="Anna likes tea."))["memory_ids"][0]
        page = await s.data("browse")
        assert {m["memory_id"] for m in page["memories"]} == {mine, shared}
        assert all(source["user"] == "anna" for m in page["memories"] for source in m["sources"])
        assert "coffee" not in await s.words("recall", query="Who likes what?")
        assert "coffee" not in await s.words("explain", query="Who likes coffee?")
        for refused in (
            await s.refusal("forget", ids=[other]),
            await s.refusal("correct", memory_id=other, text="x"),
            await s.refusal("remember", text="x", supersedes=[other]),
        ):
            assert refused == f"no memory has the id '{other}'; recall or browse show the ids there are."
        with pytest.raises(MCPError, match="no memory has the id"):
            await s.client.read_resource(f"hippomem://memories/{other}")
        seen = (await s.client.read_resource(f"hippomem://memories/{shared}")).model_dump_json()
        assert "ben" not in seen
        assert (await s.data("forget", since="2000-01-01"))["forgotten"] == 2
        assert "no argument 'user'" in await s.refusal("recall", query="Who?", user="ben")

    serve(namespace="home", user="anna").ask(work)
    with tenants.reading("home") as memory:
        assert sorted(record.text for record in memory.list()) == ["Ben likes coffee.", "Tea is green."]
