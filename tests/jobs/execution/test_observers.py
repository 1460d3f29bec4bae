"""Who waits for a job's end is told of it, however often its message came."""

from jobs.execution.hands import Observers

PAIR = (7, 1)


def test_a_second_message_does_not_take_the_first_ones_place() -> None:
    observers = Observers()
    with observers.watching(PAIR) as first:
        with observers.watching(PAIR) as second:
            pass
        observers.tell(PAIR)
        assert (first.is_set(), second.is_set()) == (True, False)


def test_a_worker_that_leaves_lets_all_of_them_go() -> None:
    observers = Observers()
    with observers.watching(PAIR) as first, observers.watching(PAIR) as second:
        observers.let_go()
        assert first.is_set()
        assert second.is_set()


def test_who_comes_after_that_does_not_wait() -> None:
    observers = Observers()
    observers.let_go()
    with observers.watching(PAIR) as ended:
        assert ended.is_set()
