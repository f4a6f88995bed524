"""Files through the openai package."""

import openai
import pytest


def test_a_file_from_its_upload_to_its_deletion(client: openai.OpenAI) -> None:
    file = client.files.create(
        file=("Bericht ä.txt", b"abc"), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert (file.filename, file.bytes, file.status) == ("Bericht ä.txt", 3, "processed")
    assert file.expires_at == file.created_at + 3600
    assert client.files.retrieve(file.id) == file
    assert client.files.wait_for_processing(file.id) == file
    content = client.files.content(file.id)
    assert content.read() == b"abc"
    assert content.response.headers["content-disposition"].endswith("filename*=UTF-8''Bericht%20%C3%A4.txt")
    other = client.files.create(file=b"x", purpose="vision")
    assert other.filename == "upload"
    assert [one.id for one in client.files.list(limit=1)][:2] == [other.id, file.id]
    assert [one.id for one in client.files.list(order="asc", purpose="user_data")][-1] == file.id
    for one in (file, other):
        assert client.files.delete(one.id).deleted
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        client.files.retrieve(file.id)


def test_an_unknown_purpose(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="Invalid value: 'fun'"):
        client.files.create(file=b"x", purpose="fun")  # type: ignore[arg-type]
