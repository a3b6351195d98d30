package kafka

import (
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"metadb/internal/testkit/pace"
)

// TestHugeAnswer: a server that announces an answer of a gigabyte, before anybody has shown who
// it is, takes no memory.
func TestHugeAnswer(t *testing.T) {
	// Not in parallel: the memory of other tests would count.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				if _, err := io.ReadFull(conn, make([]byte, 10)); err != nil {
					return
				}
				_, _ = conn.Write(binary.BigEndian.AppendUint32(nil, 1<<30))
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = QueryTopics(t.Context(), []string{listener.Addr().String()}, Security{}, nil)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "announces an answer of 1073741824 bytes") {
		t.Errorf("got %v", err)
	}
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 256<<20 {
		t.Errorf("%d MB were allocated", taken>>20)
	}
}

// TestAnswersAreFollowed: lengths are found however an answer is cut, and only fetches may be
// large.
func TestAnswersAreFollowed(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	defer func() { _ = ours.Close() }()
	c := &limitedConn{Conn: ours}
	go func() {
		defer func() { _ = theirs.Close() }()
		for _, size := range []uint32{0, 1, 5, 300, maxAnswerBytes + 1} {
			answer := binary.BigEndian.AppendUint32(nil, size)
			if size <= 300 {
				answer = append(answer, make([]byte, size)...)
			}
			for i := 0; i < len(answer); i += 3 {
				if _, err := theirs.Write(answer[i:min(i+3, len(answer))]); err != nil {
					return
				}
			}
		}
	}()
	if err := ours.SetDeadline(time.Now().Add(pace.Hang)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err == nil || !strings.Contains(err.Error(), "announces an answer of 16777217 bytes, of 16777216 at most") {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	fetching := &limitedConn{Conn: ours}
	fetching.fetches.Store(true)
	if err := fetching.checkLengths(binary.BigEndian.AppendUint32(nil, maxAnswerBytes+1)); err != nil {
		t.Error(err)
	}
}
