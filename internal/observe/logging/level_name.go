package logging

import "log/slog"

// LevelFatal is the level of the last line of a server that can't go on.
const LevelFatal = slog.LevelError + 4

// severityName returns a level's name in the log.
func severityName(level slog.Level) string {
	switch {
	case level < slog.LevelInfo:
		return "DEBUG"
	case level < slog.LevelWarn:
		return "INFO"
	case level < slog.LevelError:
		return "WARNING"
	case level < LevelFatal:
		return "ERROR"
	}
	return "FATAL"
}

// severityColour returns the terminal's colour of a severity, empty if it has no colour.
func severityColour(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "\x1b[31m"
	case level >= slog.LevelWarn:
		return "\x1b[33m"
	case level < slog.LevelInfo:
		return "\x1b[2m"
	}
	return ""
}
