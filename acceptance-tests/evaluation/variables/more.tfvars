from_file          = "file"
from_argument      = "file"
from_last_argument = "file"
