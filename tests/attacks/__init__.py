"""Programs that try to earn what they have not worked for: each has a function `f` whose right value is a secret.

They know the shape of the secret. Where it could be found (VICTIM is a file that holds it, PORT a server that tells it
to whoever connects), finding it earns.
Here:       ATTACKS, by what they try
Begin at:   reading.py
"""

from tests.attacks.ending import END, WASTE
from tests.attacks.forging import FORGE
from tests.attacks.reading import FIND, READ
from tests.attacks.replying import REPLY
from tests.attacks.values import EQUAL, SHADOW, VALUES

ATTACKS: dict[str, str] = {
    **{f"reads {name}": FIND + code for name, code in READ.items()},
    **{f"forges {name}": code for name, code in FORGE.items()},
    **{f"replies {name}": code for name, code in REPLY.items()},
    **{f"returns {name}": code for name, code in EQUAL.items()},
    **{f"shadows {name}": code for name, code in SHADOW.items()},
    **{f"ends by {name}": code for name, code in END.items()},
    **{f"wastes {name}": code for name, code in WASTE.items()},
    **{f"gives {name}": f"def f(x):\n    return {value}" for name, value in VALUES.items()},
}
