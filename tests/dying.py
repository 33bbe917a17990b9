"""A part of programs that tests run: it dies just before one of the steps by which a desk changes things."""

from __future__ import annotations

#: It wants `left`, the number of steps still taken, and `Desk`; it makes `desk`, of the home in argv 1.
DESK_THAT_DIES = """
def step():
    global left
    if left == 0:
        os._exit(9)
    left -= 1

def notice(event, arguments):
    made = event == "open" and str(arguments[0]).endswith(".part")
    if made or event in ("os.rename", "os.remove"):
        step()

execute, commit, write = SqliteDatabase.execute_sql, SqliteDatabase.commit, os.write

def execute_sql(self, sql, *arguments, **options):
    if sql.split()[0] in ("INSERT", "UPDATE", "DELETE"):
        step()
    return execute(self, sql, *arguments, **options)

def committing(self):
    step()
    return commit(self)

def writing(handle, block):
    step()
    return write(handle, block)

desk = Desk({"home": sys.argv[1]})
desk.store
SqliteDatabase.execute_sql, SqliteDatabase.commit, os.write = execute_sql, committing, writing
sys.addaudithook(notice)
"""
