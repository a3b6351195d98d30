package freeport_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"metadb/internal/testkit/freeport"
)

// child makes this test's binary print the ports that another process gets.
const child = "METADB_FREEPORT_CHILD"

func TestPortsAreGivenOnce(t *testing.T) {
	const many = 300
	ports, err := freeport.Reserve(many)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv(child) != "" {
		for _, port := range ports {
			fmt.Println("port", port)
		}
		return
	}
	given := make(map[string]bool)
	for _, port := range ports {
		given[fmt.Sprint("port ", port)] = true
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPortsAreGivenOnce$")
	command.Env = append(os.Environ(), child+"=1")
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	others := 0
	for line := range strings.Lines(string(output)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "port ") {
			continue
		}
		others++
		if given[line] {
			t.Errorf("%s was given to two processes", line)
		}
		given[line] = true
	}
	if others != many || len(given) != 2*many {
		t.Errorf("got %d ports in one process and %d in the other, want %d each, all different", len(given)-others, others, many)
	}
}

// TestPortsAreNotTheKernels looks for a number that the kernel hands out.
func TestPortsAreNotTheKernels(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Fatal(err)
	}
	var low, high int
	if _, err := fmt.Sscan(string(text), &low, &high); err != nil {
		t.Fatal(err)
	}
	if low < 11_000 {
		t.Logf("the kernel takes ports from %d on: none is out of its reach", low)
		return
	}
	ports, err := freeport.Reserve(100)
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range ports {
		if port >= low && port <= high {
			t.Errorf("port %d is in the kernel's range %d to %d", port, low, high)
		}
	}
}
