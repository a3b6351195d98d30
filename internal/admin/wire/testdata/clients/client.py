"""What psycopg 3 does with the administration port. The argument is a connection string."""

import sys

import psycopg
from psycopg import errors, sql
from psycopg.rows import dict_row


def check(what, got, want):
    if got != want:
        sys.exit(f"{what}: {got!r}, want {want!r}")


def main(conninfo):
    with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as conn:
        # More often than psycopg's threshold, after which it prepares by name.
        for _ in range(8):
            row = conn.execute("list status").fetchone()
            check("status", (row["name"], row["lag"]), ("sensor", 7))
        check("binary", conn.execute("list status", binary=True).fetchone()["lag"], 7)
        check("tag", conn.execute("create data origin py").statusmessage, "CREATE DATA ORIGIN")
        check("origins", [r["name"] for r in conn.execute("list data_origins")], ["py"])
        # When something is dropped, psycopg forgets what it prepared, commands
        # among it: it sends DEALLOCATE ALL, and prepares them anew.
        check("tag", conn.execute("drop data origin py").statusmessage, "DROP DATA ORIGIN")
        for _ in range(8):
            check("after a drop", conn.execute("list status").fetchone()["name"], "sensor")
        # Behind its back, as with any statement of the database.
        conn.execute("deallocate all")
        try:
            conn.execute("list status")
            sys.exit("it is still prepared")
        except errors.InvalidSqlStatementName:
            pass
        conn.execute("list status", prepare=False)
        conn.execute("discard all")
        try:
            conn.execute("list sttus")
            sys.exit("no error")
        except errors.SyntaxError as e:
            check("hint", e.diag.message_hint, 'did you mean "status"?')
            check("position", e.diag.statement_position, "6")
        notices = []
        conn.add_notice_handler(lambda d: notices.append(d.message_primary))
        conn.execute("alter system set snapshot_deadline = '2 hours'")
        conn.execute("do $$ begin raise notice 'hello'; end $$")
        check("notices", notices, ["the server must be restarted for the change to take effect", "hello"])

        conn.execute("create table py (a int, b text)")
        with conn.cursor() as cursor, cursor.copy("copy py from stdin") as copy:
            for i in range(1000):
                copy.write_row((i, None if i % 2 else f"ä{i}"))
        with conn.cursor() as cursor, cursor.copy("copy py to stdout (format binary)") as copy:
            copy.set_types(["int4", "text"])
            rows = list(copy.rows())
        check("copied", (len(rows), rows[2]), (1000, (2, "ä2")))
        with conn.cursor(name="c") as cursor, conn.transaction():
            cursor.execute("select a from py order by a")
            cursor.itersize = 10
            check("cursor", sum(r["a"] for r in cursor), 499500)
        with conn.pipeline():
            a = conn.execute("select 1 as n")
            b = conn.execute("select %s as n", [2])
        check("pipeline", (a.fetchone()["n"], b.fetchone()["n"]), (1, 2))
        conn.execute(sql.SQL("drop table {}").format(sql.Identifier("py")))

    # Without autocommit psycopg sends BEGIN: a command says what to do.
    with psycopg.connect(conninfo) as conn:
        try:
            conn.execute("list status")
            sys.exit("no error in a transaction")
        except errors.ActiveSqlTransaction as e:
            check("hint", e.diag.message_hint, "commit or roll back first, or turn autocommit on")
        conn.rollback()
        check("after rollback", conn.execute("select 1").fetchone(), (1,))
    print("ok")


main(sys.argv[1])
