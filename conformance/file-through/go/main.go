// Lines of a file through a queue, with github.com/rabbitmq/amqp091-go.
//
//	program publish QUEUE < file     one persistent message per line, confirmed, at most `window` unconfirmed
//	program consume QUEUE > copy     acknowledges each line; ends at the end mark and deletes the queue
package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log"
	"os"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	window  = 500
	endMark = "application/x-end" // the content type of the message after the last line
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: publish|consume QUEUE")
	}
	conn, err := amqp.Dial(os.Getenv("AMQP_URL"))
	must(err)
	ch, err := conn.Channel()
	must(err)
	queue := os.Args[2]
	_, err = ch.QueueDeclare(queue, true, false, false, false, nil)
	must(err)
	switch os.Args[1] {
	case "publish":
		publish(ch, queue)
	case "consume":
		consume(ch, queue)
	default:
		log.Fatal("usage: publish|consume QUEUE")
	}
	must(conn.Close())
}

func publish(ch *amqp.Channel, queue string) {
	must(ch.Confirm(false))
	confirmations := ch.NotifyPublish(make(chan amqp.Confirmation, window))
	unconfirmed := 0
	await := func() {
		confirmation, ok := <-confirmations
		if !ok || !confirmation.Ack {
			log.Fatalf("not confirmed: %v", confirmation)
		}
		unconfirmed--
	}
	send := func(body []byte, contentType string) {
		if unconfirmed == window {
			await()
		}
		must(ch.PublishWithContext(context.Background(), "", queue, false, false,
			amqp.Publishing{DeliveryMode: amqp.Persistent, ContentType: contentType, Body: body}))
		unconfirmed++
	}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			send(bytes.TrimSuffix(line, []byte("\n")), "text/plain")
		}
		if err == io.EOF {
			break
		}
		must(err)
	}
	send(nil, endMark)
	for unconfirmed > 0 {
		await()
	}
}

func consume(ch *amqp.Channel, queue string) {
	must(ch.Qos(window, 0, false))
	deliveries, err := ch.Consume(queue, "", false, false, false, false, nil)
	must(err)
	out := bufio.NewWriter(os.Stdout)
	for d := range deliveries {
		must(d.Ack(false))
		if d.ContentType == endMark {
			must(out.Flush())
			_, err = ch.QueueDelete(queue, false, true, false) // refused if anything were left
			must(err)
			return
		}
		out.Write(append(d.Body, '\n'))
	}
	log.Fatal("the deliveries ended before the end mark")
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
