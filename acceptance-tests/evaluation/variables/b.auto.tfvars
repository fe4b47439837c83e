from_later_auto = "b.auto"
from_file       = "b.auto"
