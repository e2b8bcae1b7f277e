"""Every verb of the API in one place; `Client` and `AsyncClient` turn each into a method of the same name.

Besides those named in the docstrings, every verb raises Unauthorized, Invalid (a value the server refuses), NotDone (it
never happened, and the retries are used up) and OutcomeUnknown (it may have happened).
"""

from headrace._agree import Agree
from headrace._clock import Clockwork
from headrace._find import Find
from headrace._fleet import Fleet
from headrace._mend import Mend
from headrace._notify import Notify
from headrace._operate import Operate
from headrace._wait import Wait
from headrace._work import Work


class Verbs(Wait, Work, Fleet, Find, Mend, Operate, Agree, Notify, Clockwork):
    """The verbs of producers, workers, lookers and operators."""
