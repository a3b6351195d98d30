import java.io.StringReader;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;

/** What pgjdbc does with the administration port. The arguments are URL, user and password. */
public class Client {
  static void check(String what, Object got, Object want) {
    if (!want.equals(got)) {
      throw new AssertionError(what + ": " + got + ", want " + want);
    }
  }

  public static void main(String[] args) throws Exception {
    for (String mode : new String[] {"simple", "extended", "extendedForPrepared", "extendedCacheEverything"}) {
      Properties properties = new Properties();
      properties.setProperty("user", args[1]);
      properties.setProperty("password", args[2]);
      properties.setProperty("preferQueryMode", mode);
      try (Connection connection = DriverManager.getConnection(args[0], properties)) {
        use(connection, mode);
      }
    }
    System.out.println("ok");
  }

  static void use(Connection connection, String mode) throws Exception {
    try (var statement = connection.createStatement()) {
      // More often than prepareThreshold, after which it prepares by name.
      for (int i = 0; i < 8; i++) {
        try (var prepared = connection.prepareStatement("list status"); ResultSet rows = prepared.executeQuery()) {
          rows.next();
          check(mode + ": lag", rows.getLong("lag"), 7L);
        }
      }
      statement.executeUpdate("create data origin " + mode);
      try (ResultSet rows = statement.executeQuery("list config")) {
        rows.next();
        check(mode + ": columns", rows.getMetaData().getColumnName(2), "value");
      }
      statement.execute("alter system set snapshot_deadline = '2 hours'");
      check(mode + ": notice", statement.getWarnings().getMessage(), "the server must be restarted for the change to take effect");
      try {
        statement.execute("list sttus");
        throw new AssertionError(mode + ": no error");
      } catch (PSQLException e) {
        check(mode + ": code", e.getSQLState(), "42601");
        check(mode + ": hint", e.getServerErrorMessage().getHint(), "did you mean \"status\"?");
      }
      connection.setAutoCommit(false);
      try {
        statement.execute("list status");
        throw new AssertionError(mode + ": no error in a transaction");
      } catch (SQLException e) {
        check(mode + ": code", e.getSQLState(), "25001");
      }
      connection.rollback();
      statement.setFetchSize(100);
      long sum = 0;
      try (ResultSet rows = statement.executeQuery("select generate_series(1, 1000)")) {
        while (rows.next()) {
          sum += rows.getLong(1);
        }
      }
      check(mode + ": sum", sum, 500500L);
      connection.commit();
      connection.setAutoCommit(true);
      statement.execute("create temp table c (a int)");
      if (!mode.equals("simple")) {
        long copied = connection.unwrap(PGConnection.class).getCopyAPI().copyIn("copy c from stdin", new StringReader("1\n2\n"));
        check(mode + ": copied", copied, 2L);
      }
      try (var batch = connection.prepareStatement("insert into c values (?)")) {
        for (int i = 0; i < 100; i++) {
          batch.setInt(1, i);
          batch.addBatch();
        }
        check(mode + ": batch", batch.executeBatch().length, 100);
      }
      try (ResultSet tables = connection.getMetaData().getTables(null, "metadb", "source", null)) {
        check(mode + ": metadata", tables.next(), true);
      }
    }
  }
}
