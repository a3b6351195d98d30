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

// superviseDiskScript runs the supervisor where a small disk is mounted, which nobody else
// on the machine sees and which ends with the server, however that happens.
// Arguments: folder of the binaries, folder of the cluster, bytes of the disk,
// how to become the server's user, the supervisor, what of the data goes there, if not
// a tablespace.
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

// supervisorCommand is the command that runs the server: as the account, or, for a
// small disk, in a mount namespace, where it becomes the account later.
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
		// Only root may mount, and PostgreSQL must not be root: root in a
		// namespace of its own first, then oneself again.
		enter = append(enter, "--map-root-user")
		become = "unshare --user --map-user=" + uid + " --map-group=" + gid
	}
	args := append(slices.Clip(enter), "sh", "-c", superviseDiskScript, "pgtest", c.bin, c.dir, strconv.FormatInt(size, 10), become, superviseScript, moved)
	command := exec.Command("unshare", args...)
	command.SysProcAttr = serverUser{}.processAttributes()
	return command
}

// useDisk makes the tablespace on the small disk, if there is one.
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

// FillDisk takes all space that is left on the small disk, with a table of the
// database postgres. What is stored there already can be read and, in place,
// changed; nothing can grow. FreeDisk gives the space back.
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
