package testbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of the times in /proc/PID/stat: USER_HZ, which is 100 on
// every architecture that Go runs on under Linux.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
const clockTick = time.Second / 100

// ProcessCPU returns the processor time that a process, its descendants, and those
// that have ended and were waited for, have used so far.
func ProcessCPU(pid int) (time.Duration, error) {
	used, parents, err := readProcesses()
	if err != nil {
		return 0, err
	}
	if _, ok := used[pid]; !ok {
		return 0, fmt.Errorf("read the processor time of process %d: %w", pid, os.ErrNotExist)
	}
	var total time.Duration
	for process, time := range used {
		for p := process; p != 0; p = parents[p] {
			if p == pid {
				total += time
				break
			}
		}
	}
	return total, nil
}

// readProcesses returns the processor time and the parent of each process.
func readProcesses() (used map[int]time.Duration, parents map[int]int, err error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, nil, err
	}
	used, parents = make(map[int]time.Duration, len(files)), make(map[int]int, len(files))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		pid, parent, time, err := parseStat(string(text))
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", file, err)
		}
		used[pid], parents[pid] = time, parent
	}
	return used, parents, nil
}

// parseStat reads a line of /proc/PID/stat. The command's name, in parentheses,
// can hold anything.
func parseStat(line string) (pid, parent int, used time.Duration, err error) {
	before, _, _ := strings.Cut(line, " (")
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return 0, 0, 0, errors.New("no name")
	}
	fields := strings.Fields(line[end+1:])
	// The fields' numbers in the manual, less the two before the state and one.
	const ppid, utime, cstime = 1, 11, 14
	if len(fields) <= cstime {
		return 0, 0, 0, errors.New("too few fields")
	}
	if pid, err = strconv.Atoi(before); err != nil {
		return 0, 0, 0, err
	}
	if parent, err = strconv.Atoi(fields[ppid]); err != nil {
		return 0, 0, 0, err
	}
	for _, field := range fields[utime : cstime+1] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, 0, 0, err
		}
		used += time.Duration(ticks) * clockTick
	}
	return pid, parent, used, nil
}

// MachineCPU returns the processor time of all processes since the machine started,
// plus the time that the hypervisor gave to other machines (steal).
// https://man7.org/linux/man-pages/man5/proc_stat.5.html
func MachineCPU() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read the machine's processor time: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	// user, nice, system, idle, iowait, irq, softirq, steal; user includes the rest.
	const idle, iowait, steal = 4, 5, 8
	if len(fields) <= steal || fields[0] != "cpu" {
		return 0, fmt.Errorf("read the machine's processor time: %q", line)
	}
	var used time.Duration
	for i := 1; i <= steal; i++ {
		if i == idle || i == iowait {
			continue
		}
		ticks, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the machine's processor time: %w", err)
		}
		used += time.Duration(ticks) * clockTick
	}
	return used, nil
}
