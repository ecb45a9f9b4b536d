package e2e

import (
	"os/exec"
	"syscall"
)

// diesWithUs lets the kernel end the process when the test is killed.
func diesWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
