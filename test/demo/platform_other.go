//go:build !linux

package main

import "syscall"

func endedWithParent() *syscall.SysProcAttr { return nil }
