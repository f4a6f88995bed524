"""`config init`: a file in which every setting can be found, and nothing is set; and the topics of the settings."""

import re
import tomllib
from pathlib import Path

from click.testing import CliRunner

from adapter.cli import main
from adapter.commands.config_file import config_template
from adapter.commands.setting_groups import SETTING_GROUPS
from adapter.settings.settings import DESCRIPTIONS
from adapter.settings.sources import load_settings


def test_every_setting_has_one_topic() -> None:
    named = [name for names in SETTING_GROUPS.values() for name in names]
    assert sorted(named) == sorted(DESCRIPTIONS)


def test_nothing_is_set(tmp_path: Path) -> None:
    file = tmp_path / "adapter.toml"
    file.write_text(config_template())
    assert tomllib.loads(config_template()) == {}
    assert load_settings({"config": str(file)}, {}).sources.keys() == {"config"}


def test_its_values_are_the_defaults(tmp_path: Path) -> None:
    lines = re.findall(r"^# (\w+ = .*)$", config_template().partition("# --- Several")[0], re.M)
    assert {line.split()[0] for line in lines} == DESCRIPTIONS.keys() - {"config"}
    set_ones = [line for line in lines if not line.endswith("# unset")]
    (tmp_path / "adapter.toml").write_text("\n".join(set_ones))
    settings = load_settings({"config": str(tmp_path / "adapter.toml")}, {})
    for name, of in DESCRIPTIONS.items():
        if name != "config":
            assert getattr(settings, name) == of.default


def test_its_tables_load(tmp_path: Path) -> None:
    tables = re.sub(r"^# (?!---)", "", config_template().partition("# --- Several")[2], flags=re.M)
    (tmp_path / "adapter.toml").write_text("# " + tables)
    settings = load_settings({"config": str(tmp_path / "adapter.toml")}, {"DEEPSEEK_KEY": "sk-test-key"})
    assert [one.name for one in settings.upstreams] == ["local", "deepseek"]
    assert settings.keys[0].name == "search"
    assert settings.tools.tables()


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "adapter.toml"
    first, second = (CliRunner().invoke(main, ["config", "init", str(file)]) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 2)
    assert f"{file} exists, and stays as it is." in second.stderr
    assert file.stat().st_mode & 0o777 == 0o600


def test_help_has_a_section_for_each_topic() -> None:
    shown = CliRunner().invoke(main, ["serve", "--help"]).stdout
    assert [title for title in SETTING_GROUPS if f"\n{title}:\n" not in shown] == []


def test_config_shows_by_itself() -> None:
    shown = CliRunner().invoke(main, ["config", "--workers", "3"]).stdout
    assert shown == CliRunner().invoke(main, ["config", "show", "--workers", "3"]).stdout
    assert re.search(r"^workers +3 +--workers$", shown, re.M)


def test_a_reader_makes_no_store(tmp_path: Path) -> None:
    for command in (["store", "stats"], ["store", "prune", "--retention", "1h"], ["usage"]):
        ran = CliRunner().invoke(main, [*command, "--store", f"sqlite:///{tmp_path}/there/s.db"])
        assert (ran.exit_code, "There is no store at" in ran.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []
