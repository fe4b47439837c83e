from_auto       = "a.auto"
from_later_auto = "a.auto"
from_auto_json  = "a.auto"
