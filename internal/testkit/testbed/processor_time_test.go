package testbed

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const line = "4242 (post gres) (x)) S 17 4242 4242 0 -1 4194560 100 0 0 0 150 50 30 20 20 0 1 0 100 0 0"
	pid, parent, used, err := parseStat(line)
	if err != nil {
		t.Fatal(err)
	}
	if pid != 4242 || parent != 17 || used != 2500*time.Millisecond {
		t.Errorf("got %d, %d, %s, want 4242, 17, 2.5s", pid, parent, used)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 1 2", "x (x) S 17 1 1 0 -1 1 1 0 0 0 150 50 30 20 20"} {
		if _, _, _, err := parseStat(bad); err == nil {
			t.Errorf("%q is read without an error", bad)
		}
	}
}

func TestCPUCountsDescendants(t *testing.T) {
	own, err := ProcessCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	all, err := ProcessCPU(1)
	if err != nil {
		t.Fatal(err)
	}
	if all < own {
		t.Errorf("process 1 has used %s, one of its descendants %s", all, own)
	}
	machine, err := MachineCPU()
	if err != nil {
		t.Fatal(err)
	}
	if machine < own {
		t.Errorf("the machine has used %s, this process %s", machine, own)
	}
	if _, err := ProcessCPU(1 << 30); err == nil {
		t.Error("a process that does not exist has used some time")
	}
}
