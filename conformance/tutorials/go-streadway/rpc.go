package main

import (
	"fmt"
	"strconv"

	"github.com/streadway/amqp"
)

// rpc: requests with a reply queue and a correlation id, several under way at a time.
func rpc(conn *amqp.Connection) {
	requests := serve()
	ch := open(conn)
	replyTo, replies := subscriber(ch, "")
	calls(ch, requests, replyTo, replies)
}

// directReplyTo: the same without a reply queue: the broker carries the reply straight to this channel.
func directReplyTo(conn *amqp.Connection) {
	requests := serve()
	ch := open(conn)
	const pseudoQueue = "amq.rabbitmq.reply-to"
	replies, err := ch.Consume(pseudoQueue, "", true, false, false, false, nil)
	must(err)
	calls(ch, requests, pseudoQueue, replies)

	// Who does not listen cannot be answered: the broker refuses the request.
	deaf := open(conn)
	closed := deaf.NotifyClose(make(chan *amqp.Error, 1))
	msg := text("1")
	msg.ReplyTo = pseudoQueue
	publish(deaf, "", requests, msg)
	reason := <-closed
	check(reason != nil, "the channel was closed without a reason")
	same("refusal", reason.Error(), `Exception (406) Reason: "PRECONDITION_FAILED - fast reply consumer does not exist"`)
}

func calls(ch *amqp.Channel, requests, replyTo string, replies <-chan amqp.Delivery) {
	fibonacci := []int{0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55}
	for n := range fibonacci {
		msg := text(strconv.Itoa(n))
		msg.CorrelationId = fmt.Sprintf("call %d", n)
		msg.ReplyTo = replyTo
		publish(ch, "", requests, msg)
	}
	for n, want := range fibonacci {
		d := next(replies)
		same("correlation id", d.CorrelationId, fmt.Sprintf("call %d", n))
		same("answer", string(d.Body), strconv.Itoa(want))
	}
}

// serve answers requests for Fibonacci numbers on a connection of its own; the result is the queue of requests.
func serve() string {
	ch := open(dial())
	q, err := ch.QueueDeclare(unique("rpc"), false, true, false, false, nil)
	must(err)
	must(ch.Qos(1, 0, false))
	deliveries, err := ch.Consume(q.Name, "", false, false, false, false, nil)
	must(err)
	go func() {
		for d := range deliveries {
			n, err := strconv.Atoi(string(d.Body))
			must(err)
			check(d.ReplyTo != "amq.rabbitmq.reply-to", "the reply address was not made unique")
			answer := text(strconv.Itoa(fib(n)))
			answer.CorrelationId = d.CorrelationId
			publish(ch, "", d.ReplyTo, answer)
			must(d.Ack(false))
		}
	}()
	return q.Name
}

func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}
