"""What is no MCP server: `python faulty_server.py deaf | broken | babble`."""

import sys
import time

match sys.argv[1]:
    case "deaf":
        time.sleep(30)
    case "broken":
        sys.exit("the database is missing")
    case "babble":
        sys.stdout.write("hello, this is no MCP\n")
        sys.stdout.flush()
        time.sleep(30)
