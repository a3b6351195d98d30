package logging

import (
	"fmt"
	"os"
	"sync"
)

// File is a log file that can be reopened: a program that rotates logs renames the old file first.
type File struct {
	path string
	mu   sync.Mutex
	file *os.File
}

// OpenFile opens a log file for appending.
func OpenFile(path string) (*File, error) {
	file, err := openAppend(path)
	if err != nil {
		return nil, err
	}
	return &File{path: path, file: file}, nil
}

func openAppend(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open log file: %w", err)
	}
	return file, nil
}

// Write appends to the file.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Write(p)
}

// Reopen opens the file that now has the path, and closes the old one. If the path can't be opened,
// the old one stays in use.
func (f *File) Reopen() error {
	file, err := openAppend(f.path)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.file
	f.file = file
	return old.Close()
}

// Close closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Close()
}
