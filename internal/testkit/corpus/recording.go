package corpus

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Record is one Kafka record as it was on the wire.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	// Millis is the record's timestamp in Kafka, milliseconds since 1970.
	Millis  int64
	Headers []Header
	// Key is nil for a record without a key, Value for a tombstone.
	Key, Value []byte
}

// Header is one header of a record.
type Header struct {
	Name  string
	Value []byte
}

// Row is one row that the source held when the recording ended.
type Row struct {
	Schema, Table string
	// Text is each value cast to text, nil for NULL.
	Text map[string]*string
	// JSON is each value as row_to_json prints it.
	JSON map[string]json.RawMessage
}

// Scenarios returns the names of all scenarios, sorted.
func Scenarios(tb testing.TB) []string {
	tb.Helper()
	entries, err := os.ReadDir(corpusDir(tb))
	if err != nil {
		tb.Fatalf("read corpus: %v", err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names
}

// Events returns the records of a scenario, sorted by topic, then partition, then offset.
func Events(tb testing.TB, scenario string) []Record {
	tb.Helper()
	return Records(tb, filepath.Join(corpusDir(tb), scenario, "events.jsonl.gz"))
}

// Records returns the records of a file, in its order.
func Records(tb testing.TB, file string) []Record {
	tb.Helper()
	var records []Record
	readLines(tb, file, func(line []byte) error {
		var raw struct {
			Topic      string
			Partition  int32
			Offset     int64
			TS         int64
			Headers    []*string
			Key, Value *string
		}
		if err := json.Unmarshal(line, &raw); err != nil {
			return err
		}
		record := Record{
			Topic: raw.Topic, Partition: raw.Partition, Offset: raw.Offset, Millis: raw.TS,
			Key: bytesOrNil(raw.Key), Value: bytesOrNil(raw.Value),
		}
		if len(raw.Headers)%2 != 0 {
			return fmt.Errorf("a header without a value")
		}
		for i := 0; i < len(raw.Headers); i += 2 {
			record.Headers = append(record.Headers, Header{Name: *raw.Headers[i], Value: bytesOrNil(raw.Headers[i+1])})
		}
		records = append(records, record)
		return nil
	})
	return records
}

// SourceRows returns the rows that the source of a scenario held at the end.
func SourceRows(tb testing.TB, scenario string) []Row {
	tb.Helper()
	var rows []Row
	readLines(tb, filepath.Join(corpusDir(tb), scenario, "source.jsonl.gz"), func(line []byte) error {
		var row Row
		if err := json.Unmarshal(line, &row); err != nil {
			return err
		}
		rows = append(rows, row)
		return nil
	})
	return rows
}

// bytesOrNil returns the bytes of text, nil for nil.
func bytesOrNil(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}

// readLines calls each for every line of a gzipped file.
func readLines(tb testing.TB, name string, each func(line []byte) error) {
	tb.Helper()
	compressed, err := os.ReadFile(name)
	if err != nil {
		tb.Fatalf("read corpus: %v", err)
	}
	plain, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		tb.Fatalf("read corpus %s: %v", name, err)
	}
	reader := bufio.NewReader(plain)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if len(line) > 0 {
			if err := each(line); err != nil {
				tb.Fatalf("read corpus %s, line %d: %v", name, number, err)
			}
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			tb.Fatalf("read corpus %s: %v", name, err)
		}
	}
}

// corpusDir finds testdata/corpus beside the go.mod above the working directory,
// which for a test is the folder of its package.
func corpusDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatalf("find corpus: %v", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "testdata", "corpus")
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			tb.Fatalf("find corpus: no go.mod above the working directory")
		}
		dir = parent
	}
}
