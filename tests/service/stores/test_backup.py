"""A store that is copied while it serves and put back as docs/stores.md says: its chains go on."""

import re
import subprocess
from pathlib import Path

from tests.adapter.commands.test_cli import run
from tests.support import chat
from tests.support.files.uploads import END, FILE, MULTIPART, PURPOSE
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, whole

PAGE = Path(__file__).parents[3] / "docs" / "stores.md"


def documented(heading: str) -> str:
    """Return the shell commands of the page below a word in bold."""
    (code,) = re.findall(rf"^\*\*{heading}\*\*.*?^```sh\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    return code


def test_a_backup_is_restored_as_the_page_says(upstream: Upstream, tmp_path: Path) -> None:
    var, copy = tmp_path / "var", tmp_path / "copy"
    url = f"sqlite:///{var}/adapter.db"
    (command,) = documented("Backup").splitlines()
    *words, folder = command.split()
    assert words[:3] == ["responses-adapter", "store", "backup"]
    restore = documented("Restore").replace("/var/lib/responses-adapter/var", str(var)).replace(folder, str(copy))
    with Service(tmp_path, upstream_url=upstream.url, store=url) as service:
        upstream.plays(*[whole(chat.completion(text)) for text in ("One.", "Two.")])
        first = service.create("My name is Ada.")
        conversation = service.request("POST", "/v1/conversations", {}).json["id"]
        service.create("I like tea.", conversation=conversation)
        file = service.request("POST", "/v1/files", PURPOSE + FILE + END, MULTIPART).json["id"]
        assert run(*words[1:], str(copy), "--store", url).returncode == 0
        upstream.plays(whole(chat.completion("Three.")))
        later = service.create("This is later.", previous_response_id=first["id"])
    subprocess.run(["sh", "-euc", restore], check=True)
    with Service(tmp_path, upstream_url=upstream.url, store=url) as service:
        assert service.get(f"/v1/responses/{later['id']}").status == 404
        upstream.plays(*[whole(chat.completion(text)) for text in ("Four.", "Five.")])
        service.create("And now?", previous_response_id=first["id"])
        service.create("And now?", conversation=conversation)
        assert [[one["content"] for one in upstream.received(count).messages] for count in (4, 5)] == [
            ["My name is Ada.", "One.", "And now?"],
            ["I like tea.", "Two.", "And now?"],
        ]
        assert service.get(f"/v1/files/{file}/content").body == b"abc"
    assert {path.name for path in (var / "before").iterdir()} >= {"adapter.db", "adapter-files.db"}
