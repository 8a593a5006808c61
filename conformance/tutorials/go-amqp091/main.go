// The tutorial patterns of AMQP 0-9-1 with github.com/rabbitmq/amqp091-go.
// Usage: program PATTERN; exit code 0 when everything that came back is what was sent.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

var patterns = map[string]func(*amqp.Connection){
	"hello":             hello,
	"work-queues":       workQueues,
	"publish-subscribe": publishSubscribe,
	"routing":           routing,
	"topics":            topics,
	"rpc":               rpc,
	"direct-reply-to":   directReplyTo,
	"confirms":          confirms,
	"mandatory-return":  mandatoryReturn,
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "worker" {
		worker(dial(), os.Args[2])
		return
	}
	if len(os.Args) != 2 || patterns[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: program PATTERN")
		os.Exit(2)
	}
	conn := dial()
	patterns[os.Args[1]](conn)
	must(conn.Close())
}

func dial() *amqp.Connection {
	url := os.Getenv("AMQP_URL")
	if url == "" {
		url = "amqp://guest:guest@127.0.0.1:5672/%2f"
	}
	conn, err := amqp.Dial(url)
	must(err)
	return conn
}

func open(conn *amqp.Connection) *amqp.Channel {
	ch, err := conn.Channel()
	must(err)
	return ch
}

// unique makes names that no other run uses at the same time.
func unique(name string) string {
	return fmt.Sprintf("tutorial.go-amqp091.%s.%d.%d", name, os.Getpid(), time.Now().UnixNano())
}

func publish(ch *amqp.Channel, exchange, key string, msg amqp.Publishing) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	must(ch.PublishWithContext(ctx, exchange, key, false, false, msg))
}

func text(body string) amqp.Publishing {
	return amqp.Publishing{ContentType: "text/plain", Body: []byte(body)}
}

func next(deliveries <-chan amqp.Delivery) amqp.Delivery {
	select {
	case d, ok := <-deliveries:
		check(ok, "the consumer ended")
		return d
	case <-time.After(10 * time.Second):
		fail("no message within 10 seconds")
	}
	panic("unreachable")
}

// untilEnd collects bodies up to the message "end", which the same channel publishes straight to the queue after all others.
func untilEnd(deliveries <-chan amqp.Delivery) []string {
	bodies := []string{}
	for {
		d := next(deliveries)
		if string(d.Body) == "end" {
			return bodies
		}
		bodies = append(bodies, string(d.Body))
	}
}

func subscriber(ch *amqp.Channel, exchange string, keys ...string) (string, <-chan amqp.Delivery) {
	q, err := ch.QueueDeclare("", false, false, true, false, nil)
	must(err)
	for _, key := range keys {
		must(ch.QueueBind(q.Name, key, exchange, false, nil))
	}
	deliveries, err := ch.Consume(q.Name, "", true, false, false, false, nil)
	must(err)
	return q.Name, deliveries
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func check(ok bool, format string, args ...interface{}) {
	if !ok {
		fail(format, args...)
	}
}

func same(what string, got, want interface{}) {
	check(fmt.Sprintf("%#v", got) == fmt.Sprintf("%#v", want), "%s: got %#v, want %#v", what, got, want)
}

func fail(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}
