package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine is what the figures are of.
type machine struct {
	CPU    string
	Cores  int
	GiB    int
	Go     string
	Kernel string
	Load   string // before the run, over one, five and fifteen minutes
	Date   string
}

func thisMachine() (m machine, err error) {
	model, err := field("/proc/cpuinfo", "model name")
	if err != nil {
		return m, err
	}
	memory, err := field("/proc/meminfo", "MemTotal")
	if err != nil {
		return m, err
	}
	kibibytes, _ := strconv.Atoi(strings.TrimSuffix(memory, " kB"))
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return m, err
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return m, err
	}
	return machine{
		CPU: model, Cores: runtime.NumCPU(), GiB: (kibibytes + 1<<19) >> 20, Go: runtime.Version(), Kernel: strings.TrimSpace(string(kernel)),
		Load: strings.Join(strings.Fields(string(load))[:3], " "), Date: time.Now().Format(time.DateOnly),
	}, nil
}

// field is a value of a file that has "key : value" in its lines.
func field(path, key string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value), nil
		}
	}
	return "unknown", nil
}

func (m machine) String() string {
	return fmt.Sprintf("%d cores of %s, %d GiB, Linux %s, %s; load before it: %s; %s", m.Cores, m.CPU, m.GiB, m.Kernel, m.Go, m.Load, m.Date)
}
