// An order that cannot be handled: tried again after 5, 15 and 30 seconds, then a dead letter.
//
//	main native    the queue has the ladder: x-retry-delays
//	main classic   a queue for each delay, with a time to live that leads back
//
// Prints what can be observed, which is the same either way. Exit code 3: this broker has no ladder of its own.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

var delays = []int32{5000, 15000, 30000}

const slack = 1.0 // seconds that a retry may come late

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	kind := os.Args[1]
	name := fmt.Sprintf("ladder.go.%s.%d", kind, os.Getpid())
	dead := name + ".dead"
	connection, err := amqp.Dial(os.Getenv("AMQP_URL"))
	check(err)
	channel, err := connection.Channel()
	check(err)
	check(channel.Confirm(false))
	check(channel.Qos(1, 0, false))
	confirms := channel.NotifyPublish(make(chan amqp.Confirmation, 1))
	queues := []string{dead, name}
	declare := func(queue string, arguments amqp.Table) {
		_, err := channel.QueueDeclare(queue, true, false, false, false, arguments)
		check(err)
	}
	declare(dead, nil)
	if kind == "native" {
		ladder := []interface{}{delays[0], delays[1], delays[2]}
		declare(name, amqp.Table{
			"x-retry-delays": ladder, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead,
		})
	} else {
		declare(name, nil)
		for _, delay := range delays {
			rung := fmt.Sprintf("%s.%d", name, delay)
			queues = append(queues, rung)
			declare(rung, amqp.Table{
				"x-message-ttl": delay, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": name,
			})
		}
	}
	publish := func(queue string, body []byte) {
		check(channel.PublishWithContext(context.Background(), "", queue, true, false, amqp.Publishing{
			DeliveryMode: amqp.Persistent, MessageId: "order-1", ContentType: "text/plain", Body: body,
		}))
		if confirm := <-confirms; !confirm.Ack {
			log.Fatal("refused")
		}
	}
	publish(name, []byte("one coffee"))
	deliveries, err := channel.Consume(name, "", false, false, false, false, nil)
	check(err)
	var arrivals []time.Time
	var letter *amqp.Delivery
	total := 0
	for _, delay := range delays {
		total += int(delay)
	}
	end := time.After(time.Duration(total)*time.Millisecond + 20*time.Second)
	for letter == nil {
		select {
		case delivery := <-deliveries:
			arrivals = append(arrivals, time.Now())
			if len(arrivals) == 2 && arrivals[1].Sub(arrivals[0]) < time.Second {
				os.Exit(3)
			}
			if string(delivery.Body) != "one coffee" || delivery.MessageId != "order-1" {
				log.Fatalf("another message: %v", delivery)
			}
			attempt := len(arrivals)
			switch {
			case kind == "native":
				check(delivery.Reject(true))
			case attempt <= len(delays):
				publish(fmt.Sprintf("%s.%d", name, delays[attempt-1]), delivery.Body)
				check(delivery.Ack(false))
			default:
				publish(dead, delivery.Body)
				check(delivery.Ack(false))
			}
		case <-time.After(200 * time.Millisecond):
			found, ok, err := channel.Get(dead, true)
			check(err)
			if ok {
				letter = &found
			}
		case <-end:
			log.Fatal("no dead letter")
		}
	}
	for i, delay := range delays {
		wanted := float64(delay) / 1000
		gap := arrivals[i+1].Sub(arrivals[i]).Seconds()
		if gap-wanted >= -0.05 && gap-wanted <= slack {
			gap = wanted
		}
		fmt.Printf("retried after %.1f s\n", gap)
	}
	fmt.Println("attempts", len(arrivals))
	fmt.Printf("dead letter ('%s', '%s')\n", letter.MessageId, letter.Body)
	var left []int
	for _, queue := range []string{name, dead} {
		found, err := channel.QueueDeclarePassive(queue, true, false, false, false, nil)
		check(err)
		left = append(left, found.Messages)
	}
	fmt.Printf("left in the queues [%d, %d]\n", left[0], left[1])
	for _, queue := range queues {
		_, err := channel.QueueDelete(queue, false, false, false)
		check(err)
	}
	check(connection.Close())
}
