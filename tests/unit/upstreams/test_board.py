"""Numbers that processes share."""

from pathlib import Path

from parley.upstreams.board import NEAR, SLOTS, WORDS, Board


def test_two_processes_see_the_same_numbers(tmp_path: Path) -> None:
    """Whoever maps the file finds a name at the same place, with what the other wrote."""
    one, other = Board(tmp_path / "health"), Board(tmp_path / "health")
    place = one.slot("main/gpt-4o")
    one.words[place + 1] = 7
    assert other.slot("main/gpt-4o") == place
    assert other.words[place + 1] == 7
    assert (tmp_path / "health").stat().st_mode & 0o777 == 0o600
    one.close()
    other.close()


def test_names_do_not_share_a_place() -> None:
    """As long as there is room near it."""
    board = Board()
    places = {board.slot(f"main/m-{number}") for number in range(SLOTS // 4)}
    assert len(places) == SLOTS // 4
    assert all(place % WORDS == 0 for place in places)


def test_a_full_board_gives_a_place_away() -> None:
    """The numbers of whoever had it are gone: they began anew."""
    board = Board()
    for number in range(SLOTS * NEAR):
        place = board.slot(f"main/m-{number}")
        board.words[place + 1] = number + 1
    assert board.words[board.slot("somebody/new") + 1] == 0


def test_a_file_that_cannot_be_made_is_done_without(tmp_path: Path) -> None:
    """Each process then has a board of its own."""
    board = Board(tmp_path / "nowhere" / "health")
    board.words[board.slot("a/m") + 1] = 3
    assert board.words[board.slot("a/m") + 1] == 3
    board.close()
