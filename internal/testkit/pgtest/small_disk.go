package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// superviseDiskScript runs the supervisor in a mount namespace with a small disk, which other
// processes do not see and which ends with the server in any case. Arguments: folder of the
// binaries, folder of the cluster, bytes of the disk, command that changes to the server's
// user, supervisor, folder of the data that is moved to the disk (empty for a tablespace).
const superviseDiskScript = `
mkdir -p "$2/disk" && mount -t tmpfs -o "size=$3,mode=0777" tmpfs "$2/disk" || exit 1
chown --reference="$2" "$2/disk"
if [ "$6" ]; then
	cp -a "$2/data/$6" "$2/disk/" && rm -r "$2/data/$6" && ln -s "$2/disk/$6" "$2/data/$6" || exit 1
fi
$4 sh -c "$5" pgtest "$1" "$2"
status=$?
umount "$2/disk" && rmdir "$2/disk"
rmdir "$2" 2>/dev/null
exit $status
`

// DiskTablespace is the tablespace on the small disk.
const DiskTablespace = "small_disk"

// supervisorCommand returns the command that runs the server: as the server's user, or, with a
// small disk, in a mount namespace, in which it changes to that user later.
func (c *Cluster) supervisorCommand() *exec.Cmd {
	size, moved := c.disk, ""
	if c.walDisk > 0 {
		size, moved = c.walDisk, "pg_wal"
	}
	if size == 0 {
		command := exec.Command("sh", "-c", superviseScript, "pgtest", c.bin, c.dir)
		command.SysProcAttr = c.account.processAttributes()
		return command
	}
	uid, gid := strconv.Itoa(os.Getuid()), strconv.Itoa(os.Getgid())
	enter, become := []string{"--mount"}, ""
	if c.account.credential != nil {
		become = fmt.Sprintf("setpriv --reuid=%d --regid=%d --clear-groups", c.account.credential.Uid, c.account.credential.Gid)
	} else {
		// Only root may mount, and PostgreSQL must not be root: the process is root in a user
		// namespace first, and then its own user again.
		enter = append(enter, "--map-root-user")
		become = "unshare --user --map-user=" + uid + " --map-group=" + gid
	}
	args := append(slices.Clip(enter), "sh", "-c", superviseDiskScript, "pgtest", c.bin, c.dir, strconv.FormatInt(size, 10), become, superviseScript, moved)
	command := exec.Command("unshare", args...)
	command.SysProcAttr = serverUser{}.processAttributes()
	return command
}

// useDisk creates the tablespace on the small disk, if there is one.
func (c *Cluster) useDisk(ctx context.Context) error {
	if c.disk == 0 {
		return nil
	}
	sql := "CREATE TABLESPACE " + DiskTablespace + " LOCATION '" + filepath.Join(c.dir, "disk") + "'"
	if err := c.execAdmin(ctx, sql); err != nil {
		return fmt.Errorf("make tablespace on the small disk: %w", err)
	}
	return nil
}

// FillDisk fills the small disk with a table of the database postgres. Stored data can be read
// and changed in place, but no relation can grow. FreeDisk frees the space.
func (c *Cluster) FillDisk(ctx context.Context) error {
	const fill = `CREATE TABLE ballast (x text) TABLESPACE ` + DiskTablespace + `;
		ALTER TABLE ballast ALTER x SET STORAGE PLAIN;
		DO $$ BEGIN
			LOOP
				BEGIN
					INSERT INTO ballast SELECT repeat('x', 8000) FROM generate_series(1, 16);
				EXCEPTION WHEN disk_full THEN EXIT;
				END;
			END LOOP;
		END $$`
	if err := c.execAdmin(ctx, fill); err != nil {
		return fmt.Errorf("fill the small disk: %w", err)
	}
	return nil
}

// FreeDisk undoes FillDisk.
func (c *Cluster) FreeDisk(ctx context.Context) error {
	if err := c.execAdmin(ctx, "DROP TABLE ballast"); err != nil {
		return fmt.Errorf("free the small disk: %w", err)
	}
	return nil
}
