package instance

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestInit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	if err := Init(path); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{path: 0o700, filepath.Join(path, "metadb.conf"): 0o600} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %o, want %o", name, info.Mode().Perm(), mode)
		}
	}
	text, err := os.ReadFile(filepath.Join(path, "metadb.conf"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "[main]\nhost =\nport = 5432\ndatabase =\nsuperuser = postgres\nsuperuser_password =\nsystemuser = mdbadmin\nsystemuser_password =\nsslmode = require\n"
	if string(text) != want {
		t.Errorf("metadb.conf is %q", text)
	}
	if err := Init(path); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("a second init: %v", err)
	}
}

// with makes a data directory with that configuration.
func with(t *testing.T, conf string) *Dir {
	t.Helper()
	t.Setenv(SuperuserPasswordVariable, "")
	t.Setenv(SystemUserPasswordVariable, "")
	path := filepath.Join(t.TempDir(), "data")
	if err := Init(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "metadb.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const complete = "[main]\nhost = h\ndatabase = metadb\n"

func TestConfig(t *testing.T) {
	d := with(t, "# comment\n; another\n\n[main]\nhost = db\nport =\ndatabase = metadb_x\nsuperuser_password = a#b;c'd\\ = \"e\n"+
		"systemuser_password = \" s \"\nsslmode = disable\nadmin_auth=trust\n")
	c, err := d.Config()
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Host: "db", Port: 5432, Database: "metadb_x", SSLMode: "disable", AdminListen: "127.0.0.1", AdminTrust: true,
		Superuser:  Role{"postgres", `a#b;c'd\ = "e`},
		SystemUser: Role{"mdbadmin", " s "},
	}
	c.secretFiles, c.latest = nil, nil
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("got %+v\nwant %+v", *c, want)
	}
	const conn = `host='db' port='5432' dbname='metadb_x' user='postgres' password='a#b;c\'d\\ = "e' passfile='' sslmode='disable' ` +
		`sslrootcert='' sslcert='' sslkey='' target_session_attrs='any' application_name='metadb'`
	if got := c.ConnString(c.Superuser); got != conn {
		t.Errorf("connection string %s", got)
	}
}

func TestConfigErrors(t *testing.T) {
	for name, test := range map[string]struct{ conf, want string }{
		"unknown key":       {complete + "hots = x\n", `metadb.conf line 4: unknown key "hots"`},
		"a parameter":       {complete + "checkpoint_segment_size = 3000\n", "metadb.conf line 4: checkpoint_segment_size is no key of this file any more: remove the line, start the server, and set it on the administration port with: alter system set checkpoint_segment_size = 'VALUE';"},
		"another parameter": {complete + "max_poll_interval = 1800000\n", "with: alter system set max_poll_interval = 'VALUE';"},
		"no equals sign":    {complete + "secret\n", `metadb.conf line 4: not of the form "key = value"`},
		"twice":             {complete + "host = x\n", "metadb.conf line 4: host has been given in line 2 already"},
		"unknown section":   {complete + "[other]\n", "metadb.conf line 4: unknown section [other]"},
		"no section":        {"host = h\n", "metadb.conf line 1: [main] must come before"},
		"empty host":        {"[main]\nhost =\n", "metadb.conf line 2: host has no value"},
		"no database":       {"[main]\nhost = h\n", "metadb.conf: database has no value"},
		"empty systemuser":  {complete + "systemuser =\n", "metadb.conf line 4: systemuser has no value"},
		"empty system user": {complete + "systemuser =\n", "metadb.conf line 4: systemuser has no value"},
		"port":              {complete + "port = many\n", `line 4: port must be a number from 1 to 65535, not "many"`},
		"sslmode":           {complete + "sslmode = yes\n", `line 4: sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full, not "yes"`},
		"half of TLS":       {complete + "admin_tls_cert = c.pem\n", "go together"},
		"half of a client":  {complete + "sslkey = k.pem\n", "sslcert and sslkey go together"},
		"admin_auth":        {complete + "admin_auth = none\n", `admin_auth must be password or trust, not "none"`},
		"one role for both": {complete + "systemuser = postgres\n", "another role than superuser"},
		"no password file":  {complete + "superuser_password_file = none\n", "line 4: superuser_password_file: open "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := with(t, test.conf).Config()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("shows the line: %v", err)
			}
		})
	}
}

func TestPasswordsFromElsewhere(t *testing.T) {
	d := with(t, complete+"superuser_password = x\nsuperuser_password_file = pw\nsystemuser_password = y\n")
	if err := os.WriteFile(filepath.Join(d.Path(), "pw"), []byte(" from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(SystemUserPasswordVariable, "from environment")
	c, err := d.Config()
	if err != nil {
		t.Fatal(err)
	}
	if c.Superuser.Password != " from file" || c.SystemUser.Password != "from environment" {
		t.Errorf("got %+v", c)
	}
}

func TestWarnings(t *testing.T) {
	for database, want := range map[string]int{"metadb": 0, "metadb_x": 0, "metadbx": 1, "ldp": 1} {
		if got := (&Config{Database: database}).Warnings(); len(got) != want {
			t.Errorf("%s: %v", database, got)
		}
	}
}

func TestLock(t *testing.T) {
	d := with(t, complete)
	// A killed process leaves its file.
	if err := os.WriteFile(filepath.Join(d.Path(), "metadb.pid"), []byte("999999999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, running, err := d.Running(); running || err != nil {
		t.Fatalf("running: %v %v", running, err)
	}
	lock, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Lock()
	var held *RunningError
	if !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Errorf("a second lock: %v", err)
	}
	if pid, running, err := d.Running(); !running || pid != os.Getpid() || err != nil {
		t.Errorf("running: %d %v %v", pid, running, err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if stopped, err := d.Stop(t.Context()); stopped || err != nil {
		t.Errorf("stop without a server: %v %v", stopped, err)
	}
	again, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestOpen(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(folder, "none"): `does not exist: make it with "metadb init"`,
		file:                          "is not a directory",
	} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if os.Geteuid() == 0 {
		other := filepath.Join(folder, "other")
		if err := Init(other); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(other, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(other); err == nil || !strings.Contains(err.Error(), "belongs to user") {
			t.Errorf("another user's: %v", err)
		}
	}
}

func TestIdentityIsKept(t *testing.T) {
	d := with(t, complete)
	first, err := d.Identity()
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.Identity()
	if err != nil || first != second || !strings.HasPrefix(first, "metadb-") {
		t.Errorf("%q, then %q %v", first, second, err)
	}
}

// TestStopVerifiesTheProcess has the number of another process in metadb.pid, as with a server in a
// container: Stop sends it no signal.
func TestStopVerifiesTheProcess(t *testing.T) {
	d := with(t, "")
	lock, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Release() })
	innocent := exec.CommandContext(t.Context(), "sleep", "60")
	if err := innocent.Start(); err != nil {
		t.Fatal(err)
	}
	number := strconv.Itoa(innocent.Process.Pid)
	if err := os.WriteFile(filepath.Join(d.Path(), pidFile), []byte(number+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = d.Stop(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is not process "+number+" of this machine") {
		t.Errorf("got %v", err)
	}
	if err := innocent.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the other process: %v", err)
	}
	if err := innocent.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = innocent.Wait()
	if d.hasLockOpen(innocent.Process.Pid) || !d.hasLockOpen(os.Getpid()) {
		t.Error("the process that holds the lock is not recognized")
	}
}

// TestProtected refuses a directory in which others may write, and warns of secrets that they may
// read.
func TestProtected(t *testing.T) {
	d := with(t, "[main]\nhost = h\ndatabase = metadb\nhttp_token = secret\nsystemuser_password_file = pw\n")
	for mode, want := range map[os.FileMode]string{0o700: "", 0o750: "", 0o755: "", 0o770: "chmod 700", 0o777: "chmod 700", 0o702: "chmod 700"} {
		if err := os.Chmod(d.Path(), mode); err != nil {
			t.Fatal(err)
		}
		err := d.Protected()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	password := filepath.Join(d.Path(), "pw")
	if err := os.WriteFile(password, []byte("p"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{password, filepath.Join(d.Path(), configFile)} {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := d.Config()
	if err != nil {
		t.Fatal(err)
	}
	warnings := strings.Join(c.Warnings(), "\n")
	for _, want := range []string{
		password + " holds a secret, and others may read or change it (mode 0644): chmod 600 " + password,
		configFile + " holds a secret",
		"http_token can be guessed",
	} {
		if !strings.Contains(warnings, want) {
			t.Errorf("no warning %q in\n%s", want, warnings)
		}
	}
}
