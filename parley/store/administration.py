"""What administration works on, in one hand: a repository per concern."""

from parley.store.accounts import Accounts
from parley.store.alerts import Alerts
from parley.store.bells import Bell
from parley.store.connections import Connections
from parley.store.keyring import Keyring
from parley.store.people import Invites, Members, People
from parley.store.projects import Projects
from parley.store.rules import Rules


class Administration:
    """The repositories of administration."""

    def __init__(self, connections: Connections, bell: Bell, rules: Rules) -> None:
        self.projects = Projects(connections, bell)
        self.keyring = Keyring(connections, bell)
        self.accounts = Accounts(connections, bell)
        self.people = People(connections)
        self.members = Members(connections)
        self.invites = Invites(connections)
        self.alerts = Alerts(connections)
        self.rules = rules
