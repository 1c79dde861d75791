// Command producer sends rows and labels with franz-go and hamba/avro.
//
//	go run . -bootstrap HOST:PORT -registry URL -device boiler-go -rows 20
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Row is edgeloop.observation.ObservationRow.
type Row struct {
	Tenant       string    `avro:"tenant"`
	Stream       string    `avro:"stream"`
	Device       string    `avro:"device_id"`
	Epoch        int64     `avro:"boot_epoch"`
	Seq          int64     `avro:"seq"`
	Features     []float64 `avro:"features"`
	EventTime    int64     `avro:"event_time"`
	RequestID    string    `avro:"request_id"`
	ModelVersion int       `avro:"model_version"`
	Answer       string    `avro:"answer"`
}

// Label is edgeloop.label.Label.
type Label struct {
	Tenant    string `avro:"tenant"`
	Stream    string `avro:"stream"`
	Device    string `avro:"device_id"`
	Epoch     int64  `avro:"boot_epoch"`
	Seq       int64  `avro:"seq"`
	RequestID string `avro:"request_id"`
	Label     string `avro:"label"`
	EventTime int64  `avro:"event_time"`
}

// kind is a schema with the five bytes that stand before its bodies.
type kind struct {
	schema avro.Schema
	frame  []byte
}

// look reads a schema file and asks the registry for its id in the topic's subject. Nothing is registered.
func look(registry, topic, file string) (kind, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return kind{}, err
	}
	question, err := json.Marshal(map[string]string{"schema": string(text)})
	if err != nil {
		return kind{}, err
	}
	answer, err := http.Post(registry+"/subjects/"+topic+"-value", "application/json", bytes.NewReader(question))
	if err != nil {
		return kind{}, err
	}
	defer answer.Body.Close()
	var found struct{ ID uint32 }
	if answer.StatusCode != http.StatusOK {
		return kind{}, fmt.Errorf("the registry does not hold %s for %s: %s", file, topic, answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(&found); err != nil {
		return kind{}, err
	}
	schema, err := avro.ParseBytes(text)
	return kind{schema, binary.BigEndian.AppendUint32([]byte{0}, found.ID)}, err
}

func (k kind) encode(value any) ([]byte, error) {
	body, err := avro.Marshal(k.schema, value)
	return append(bytes.Clone(k.frame), body...), err
}

func main() {
	bootstrap := flag.String("bootstrap", "", "Kafka, host:port")
	registry := flag.String("registry", "", "schema registry, its Confluent-compatible address")
	schemas := flag.String("schemas", "../../schemas", "folder of edgeloop's schemas")
	device := flag.String("device", "boiler-go", "who sends")
	rows := flag.Int("rows", 20, "how many")
	flag.Parse()
	if err := send(*bootstrap, *registry, *schemas, *device, *rows); err != nil {
		log.Fatal(err)
	}
}

func send(bootstrap, registry, schemas, device string, rows int) error {
	row, err := look(registry, "observations.rows.raw", filepath.Join(schemas, "observation", "ObservationRow.avsc"))
	if err != nil {
		return err
	}
	label, err := look(registry, "labels.raw", filepath.Join(schemas, "label", "Label.avsc"))
	if err != nil {
		return err
	}
	// franz-go is idempotent and places keys as Java's client does, both by default.
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		return err
	}
	defer client.Close()
	epoch := time.Now().Unix()
	key := []byte("default/boiler/" + device)
	for i := range rows {
		now := time.Now().UnixMilli()
		temperature, truth := 70+float64(i), "good"
		if temperature > 85 {
			truth = "bad"
		}
		first, err := row.encode(Row{"default", "boiler", device, epoch, int64(i), []float64{temperature, 2}, now, "", 0, ""})
		if err != nil {
			return err
		}
		second, err := label.encode(Label{"default", "boiler", device, epoch, int64(i), "", truth, now})
		if err != nil {
			return err
		}
		records := []*kgo.Record{{Topic: "observations.rows.raw", Key: key, Value: first}, {Topic: "labels.raw", Key: key, Value: second}}
		if err := client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
			return err
		}
	}
	fmt.Printf("sent %d rows and labels as %s\n", rows, key)
	return nil
}
