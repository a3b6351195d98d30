package versions

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// Brokers is the address of the broker in a dump.
const Brokers = "localhost:9092"

// partitions is the number of partitions of each topic of the data set.
const partitions = 2

// database is the name of the filled database.
const database = "metadb_library"

// Write fills a database with the program binary and writes its dump into a folder, as
// VERSION.sql. It returns the file's name; a file that exists is an error.
func Write(ctx context.Context, binary, folder string) (path string, err error) {
	cluster, err := pgtest.NewCluster(ctx, pgtest.Options{})
	if err != nil {
		return "", err
	}
	defer func() { _ = cluster.Close() }()
	work, err := os.MkdirTemp("", "metadb-version-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the server: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	if binary, err = filepath.Abs(binary); err != nil {
		return "", err
	}
	m, err := testbed.Install(ctx, binary, work, cluster, database)
	if err != nil {
		return "", err
	}
	brokers, err := fillOnce(ctx, m)
	if err != nil {
		log, _ := m.Log()
		return "", fmt.Errorf("fill the database: %w\n%s", err, log)
	}
	version, err := layoutVersion(ctx, m.Database())
	if err != nil {
		return "", err
	}
	text, err := dumpDatabase(ctx, cluster)
	if err != nil {
		return "", err
	}
	path = filepath.Join(folder, strconv.Itoa(version)+".sql")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", fmt.Errorf("write the dump: %w", err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Write(bytes.ReplaceAll(text, []byte(brokers), []byte(Brokers))); err != nil {
		return "", fmt.Errorf("write the dump: %w", err)
	}
	return path, file.Close()
}

// fillOnce runs the server with its own broker until the database is filled.
func fillOnce(ctx context.Context, m *testbed.Metadb) (brokers string, err error) {
	broker, err := testbed.NewBroker(partitions)
	if err != nil {
		return "", err
	}
	defer broker.Close()
	producer, err := testbed.NewProducer(broker.Address())
	if err != nil {
		return "", err
	}
	defer producer.Close()
	if err := m.Start(ctx); err != nil {
		return "", err
	}
	defer func() { _ = m.Close() }()
	if err := Fill(ctx, m, producer, broker.Address()); err != nil {
		return "", err
	}
	return broker.Address(), m.Stop(ctx)
}

// layoutVersion returns the layout version of a database.
func layoutVersion(ctx context.Context, url string) (version int, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := conn.QueryRow(ctx, "SELECT dbversion FROM metadb.init").Scan(&version); err != nil {
		return 0, fmt.Errorf("read the database's version: %w", err)
	}
	return version, nil
}

// dumpDatabase returns the roles and the database as SQL that any supported version of
// PostgreSQL runs without psql.
func dumpDatabase(ctx context.Context, cluster *pgtest.Cluster) ([]byte, error) {
	bin, err := pgtest.Binaries()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, command := range [][]string{
		{"pg_dumpall", "--roles-only", "--no-role-passwords", "-d", cluster.URL("postgres")},
		{"pg_dump", "--inserts", "--rows-per-insert=200", "-d", cluster.URL(database)},
	} {
		text, err := exec.CommandContext(ctx, filepath.Join(bin, command[0]), command[1:]...).Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", command[0], err)
		}
		for line := range strings.Lines(string(text)) {
			if isPortable(line) {
				out.WriteString(line)
			}
		}
	}
	return out.Bytes(), nil
}

// isPortable reports whether a line of pg_dump belongs into the dump: not psql's own commands,
// not settings that only this version of PostgreSQL has, and not the superuser, which every
// cluster has.
func isPortable(line string) bool {
	for _, prefix := range []string{`\`, "SET transaction_timeout", "-- Dumped ", "CREATE ROLE postgres;", "ALTER ROLE postgres "} {
		if strings.HasPrefix(line, prefix) {
			return false
		}
	}
	return true
}
