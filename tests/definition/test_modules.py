"""The user's modules, loaded by file and by name, and what is said when they fail."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.definition.module_files import write

from indelible.definition import model
from indelible.definition.callables import folder_of, is_importable, load_callable, target_of
from indelible.definition.modules import PREFIX, being_loaded, import_file
from indelible.errors import DefinitionError, NotFoundError


def test_a_module_that_fails_is_told_with_its_line(folder: Path) -> None:
    file = write(folder / "broken_tasks.py", "import json\n\njson.loads('{')\n")
    with pytest.raises(DefinitionError) as caught:
        load_callable(model.Python(target="broken_tasks:clean"), str(folder))
    assert "cannot import broken_tasks: JSONDecodeError: Expecting property" in str(caught.value)
    assert isinstance(caught.value.__cause__, json.JSONDecodeError)
    with pytest.raises(DefinitionError) as caught:
        load_callable(model.Python(target="clean", file=file), "")
    assert caught.value.complaints[0].line > 0


def test_a_file_named_like_a_standard_module_does_not_hide_it(folder: Path) -> None:
    sys.modules.pop("colorsys", None)
    write(folder / "colorsys.py", "def pick():\n    return 1\n")
    write(folder / "painting.py", "def paint():\n    return 2\n")
    assert load_callable(model.Python(target="painting:paint"), str(folder))() == 2
    import colorsys

    assert not hasattr(colorsys, "pick")
    assert colorsys.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)


def test_a_syntax_error_is_told_with_its_line(folder: Path) -> None:
    file = write(folder / "typo.py", "x = 1\ndef clean(:\n")
    with pytest.raises(DefinitionError) as caught:
        load_callable(model.Python(target="clean", file=file), "")
    assert str(caught.value).startswith(f"{file}:2: cannot import {file}: SyntaxError: ")


def test_a_missing_dependency_is_not_taken_for_the_module(folder: Path) -> None:
    file = write(folder / "needy.py", "import no_such_library\n")
    with pytest.raises(DefinitionError) as caught:
        load_callable(model.Python(target="needy:clean"), str(folder))
    said = str(caught.value)
    assert said.startswith(f"{file}:1: cannot import needy: ModuleNotFoundError: ")
    assert "no_such_library" in said


def test_a_script_that_exits_is_told_where_its_end_belongs(folder: Path) -> None:
    file = write(folder / "script.py", "def clean(): ...\nraise SystemExit(1)\n")
    with pytest.raises(DefinitionError, match="SystemExit: 1") as caught:
        load_callable(model.Python(target="clean", file=file), "")
    assert 'if __name__ == "__main__":' in str(caught.value)


def test_a_file_is_loaded_once_and_is_not_main(folder: Path) -> None:
    file = write(
        folder / "my-etl.py",
        "def clean(): return __name__\nif __name__ == '__main__': raise AssertionError\n",
    )
    body = model.Python(target="clean", file=file)
    function = load_callable(body, "")
    assert load_callable(body, "") is function
    assert function().startswith(PREFIX)
    assert target_of(function) == ("clean", file)
    assert is_importable(function)
    assert folder_of(function) == str(folder)


def test_a_file_that_failed_can_be_loaded_once_it_is_mended(folder: Path) -> None:
    file = write(folder / "etl.py", "1 / 0")
    body = model.Python(target="clean", file=file)
    with pytest.raises(DefinitionError, match="ZeroDivisionError"):
        load_callable(body, "")
    write(folder / "etl.py", "def clean(): return 1")
    assert load_callable(body, "")() == 1


def test_a_file_that_is_gone_is_not_found(folder: Path) -> None:
    gone = str(folder / "gone.py")
    with pytest.raises(NotFoundError, match=r"there is no file .*gone\.py"):
        load_callable(model.Python(target="clean", file=gone), "")


def test_code_can_ask_whether_it_is_being_loaded(folder: Path) -> None:
    file = write(
        folder / "asks.py",
        "from indelible.definition.modules import being_loaded\n"
        "seen = being_loaded()\n"
        "def clean(): return being_loaded()\n",
    )
    assert import_file(file).seen == file
    assert load_callable(model.Python(target="clean", file=file), "")() == ""
    assert load_callable(model.Python(target="asks:clean"), str(folder))() == ""
    assert sys.modules["asks"].seen == "asks"
    assert being_loaded() == ""


def test_our_own_errors_pass_through_a_module(folder: Path) -> None:
    file = write(
        folder / "etl.py",
        "from indelible.definition.decorators import Retry\n\nRetry(delay='soon')\n",
    )
    with pytest.raises(DefinitionError) as caught:
        load_callable(model.Python(target="clean", file=file), "")
    assert str(caught.value).startswith(f"{file}:3: `delay` is wrong: 'soon'")
