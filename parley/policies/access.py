"""What a caller may do: project keys make calls, admin keys administrate, never the other way round."""

from parley.core.call import Caller
from parley.errors import Forbidden


class Access:
    """Decides what a caller may do."""

    def permit(self, caller: Caller) -> None:
        """Let *caller* make calls. Raises Forbidden."""
        if caller.admin:
            raise Forbidden("This is an admin key: it can't make calls. Use a project key.")

    def administrate(self, caller: Caller) -> None:
        """Let *caller* administrate. Raises Forbidden."""
        if not caller.admin:
            raise Forbidden("This is a project key: it can't administrate. Use an admin key.")
