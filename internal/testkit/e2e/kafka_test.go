//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/testbed"
)

// Limits for JVMs on a machine with two busy cores.
const (
	jvmLimit      = pace.Hang
	requestLimit  = 2 * time.Minute
	heapLimit     = "-Xmx512m"
	fasterStartup = "-XX:TieredStopAtLevel=1"
	fewerThreads  = "-XX:+UseSerialGC"
)

// properties is a Java properties file.
type properties map[string]string

func (p properties) write(t *testing.T, path string) {
	t.Helper()
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&text, "%s=%s\n", key, p[key])
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatalf("write %s: %v", path, err)
	}
}

// javaCommand returns the command line of a Java program with the jars in its path.
func javaCommand(lib, main string, args ...string) []string {
	return append([]string{
		"java", heapLimit, fasterStartup, fewerThreads, "-cp", filepath.Join(lib, "*"),
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", main,
	}, args...)
}

// startBroker starts an Apache Kafka broker, which is its own controller and creates topics
// with so many partitions, and returns its address.
func startBroker(t *testing.T, lib, dir string, partitions int) (string, *program) {
	t.Helper()
	ports := freePorts(t, 2)
	address := "127.0.0.1:" + strconv.Itoa(ports[0])
	controller := "127.0.0.1:" + strconv.Itoa(ports[1])
	file := filepath.Join(dir, "broker.properties")
	properties{
		"process.roles":                            "broker,controller",
		"node.id":                                  "1",
		"controller.quorum.voters":                 "1@" + controller,
		"listeners":                                "PLAINTEXT://" + address + ",CONTROLLER://" + controller,
		"advertised.listeners":                     "PLAINTEXT://" + address,
		"controller.listener.names":                "CONTROLLER",
		"log.dirs":                                 filepath.Join(dir, "kafka"),
		"num.partitions":                           strconv.Itoa(partitions),
		"offsets.topic.num.partitions":             "1",
		"offsets.topic.replication.factor":         "1",
		"transaction.state.log.replication.factor": "1",
		"transaction.state.log.min.isr":            "1",
		"group.initial.rebalance.delay.ms":         "0",
	}.write(t, file)
	format := javaCommand(lib, "kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", file)
	if out, err := exec.CommandContext(t.Context(), format[0], format[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("format the broker's storage: %v\n%s", err, out)
	}
	program := start(t, dir, "broker", javaCommand(lib, "kafka.Kafka", file)...)
	eventually(t, jvmLimit, "the broker accepts connections", func() error { return testbed.CheckListening(ports[0]) })
	return address, program
}

// connectWorker is a Kafka Connect worker.
type connectWorker struct {
	url    string
	client http.Client
	*program
}

// startConnect starts a Kafka Connect worker that can run Debezium's connector.
func startConnect(t *testing.T, lib, dir, broker string) *connectWorker {
	t.Helper()
	c := &connectWorker{
		url:    "http://127.0.0.1:" + strconv.Itoa(freePorts(t, 1)[0]),
		client: http.Client{Timeout: requestLimit},
	}
	const converter = "org.apache.kafka.connect.json.JsonConverter"
	file := filepath.Join(dir, "connect.properties")
	properties{
		"bootstrap.servers":                 broker,
		"listeners":                         c.url,
		"group.id":                          "connect",
		"config.storage.topic":              "connect_config",
		"offset.storage.topic":              "connect_offset",
		"status.storage.topic":              "connect_status",
		"config.storage.replication.factor": "1",
		"offset.storage.replication.factor": "1",
		"status.storage.replication.factor": "1",
		"offset.storage.partitions":         "1",
		"status.storage.partitions":         "1",
		"key.converter":                     converter,
		"value.converter":                   converter,
		"offset.flush.interval.ms":          "1000",
		// A new worker gets the tasks of a killed one at once.
		"scheduled.rebalance.max.delay.ms": "0",
		// Plugins are found by their manifests; scanning every class takes seconds.
		"plugin.discovery": "service_load",
	}.write(t, file)
	c.program = start(t, dir, "connect", javaCommand(lib, "org.apache.kafka.connect.cli.ConnectDistributed", file)...)
	eventually(t, jvmLimit, "the Connect worker answers", func() error {
		return c.request(t, http.MethodGet, "/connectors", nil, nil)
	})
	return c
}

// createConnector starts a connector and waits until its task runs. Its snapshot continues
// after that.
func (c *connectWorker) createConnector(t *testing.T, name string, config properties) {
	t.Helper()
	if err := c.request(t, http.MethodPut, "/connectors/"+name+"/config", config, nil); err != nil {
		t.Fatalf("create connector %s: %v", name, err)
	}
	eventually(t, jvmLimit, "connector "+name+" runs", func() error {
		var status struct {
			Tasks []struct{ State, Trace string }
		}
		if err := c.request(t, http.MethodGet, "/connectors/"+name+"/status", nil, &status); err != nil {
			return err
		}
		if len(status.Tasks) != 1 || status.Tasks[0].State != "RUNNING" {
			return fmt.Errorf("its tasks are %+v", status.Tasks)
		}
		return nil
	})
}

// deleteConnector deletes a connector. Its replication slot stays.
func (c *connectWorker) deleteConnector(t *testing.T, name string) {
	t.Helper()
	if err := c.request(t, http.MethodDelete, "/connectors/"+name, nil, nil); err != nil {
		t.Fatalf("delete connector %s: %v", name, err)
	}
}

// request sends body as JSON, if it is not nil, and decodes the answer into result, if that is
// not nil. It tries again while the worker is busy with a rebalance, which another test's
// connector may have begun.
func (c *connectWorker) request(t *testing.T, method, path string, body, result any) error {
	t.Helper()
	var failed error
	err := testbed.Eventually(t.Context(), requestLimit, "Connect has no rebalance", func() error {
		failed = c.requestOnce(t, method, path, body, result)
		var busy *conflictError
		if errors.As(failed, &busy) {
			return failed
		}
		return nil
	})
	return errors.Join(err, failed)
}

// conflictError is the answer of a worker in a rebalance.
type conflictError struct{ text string }

func (c *conflictError) Error() string { return c.text }

func (c *connectWorker) requestOnce(t *testing.T, method, path string, body, result any) error {
	t.Helper()
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		payload = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, c.url+path, payload)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		text := fmt.Sprintf("%s %s: %s: %s", method, path, response.Status, answer)
		if response.StatusCode == http.StatusConflict {
			return &conflictError{text}
		}
		return errors.New(text)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer, result)
}
