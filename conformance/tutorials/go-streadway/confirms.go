package main

import (
	"fmt"
	"time"

	"github.com/streadway/amqp"
)

// confirms: the broker says of each message that it has taken it: awaited one by one, per batch, and handled as they come.
func confirms(conn *amqp.Connection) {
	ch := open(conn)
	must(ch.Confirm(false))
	taken := ch.NotifyPublish(make(chan amqp.Confirmation, 500))
	q, err := ch.QueueDeclare(unique("confirms"), true, false, false, false, nil)
	must(err)
	sent := uint64(0)
	send := func() {
		sent++
		msg := text(fmt.Sprintf("message %d", sent))
		msg.DeliveryMode = amqp.Persistent
		publish(ch, "", q.Name, msg)
	}
	confirmed := uint64(0)
	await := func() {
		confirmed++
		same("confirmation", confirmation(taken), amqp.Confirmation{DeliveryTag: confirmed, Ack: true})
	}
	stored := func() {
		now, err := ch.QueueInspect(q.Name)
		must(err)
		same("messages in the queue", now.Messages, int(sent))
	}

	for i := 0; i < 10; i++ {
		send()
		await()
	}
	stored()

	for i := 0; i < 100; i++ {
		send()
	}
	for confirmed < sent {
		await()
	}
	stored()

	// At most a window of messages is unconfirmed at any time.
	const window = 50
	for i := 0; i < 500; i++ {
		if sent-confirmed == window {
			await()
		}
		send()
	}
	for confirmed < sent {
		await()
	}
	stored()
	left, err := ch.QueueDelete(q.Name, false, false, false)
	must(err)
	same("deleted", left, int(sent))
}

// mandatoryReturn: a mandatory message that no queue takes comes back, and is confirmed after that.
func mandatoryReturn(conn *amqp.Connection) {
	ch := open(conn)
	must(ch.Confirm(false))
	taken := ch.NotifyPublish(make(chan amqp.Confirmation, 10))
	returned := ch.NotifyReturn(make(chan amqp.Return, 10))
	exchange := unique("nowhere")
	must(ch.ExchangeDeclare(exchange, "direct", false, true, false, false, nil))
	queue, deliveries := subscriber(ch, exchange, "somewhere")
	send := func(key string, mandatory bool) {
		msg := text("to " + key)
		msg.MessageId = key
		must(ch.Publish(exchange, key, mandatory, false, msg))
		check(confirmation(taken).Ack, "refused")
	}

	send("anywhere", true)
	same("returned", len(returned), 1)
	r := <-returned
	same("reply code", r.ReplyCode, uint16(312))
	same("reply text", r.ReplyText, "NO_ROUTE")
	same("exchange", r.Exchange, exchange)
	same("routing key", r.RoutingKey, "anywhere")
	same("message id", r.MessageId, "anywhere")
	same("body", string(r.Body), "to anywhere")

	send("somewhere", true)
	send("anywhere", false)
	same("returned", len(returned), 0)
	publish(ch, "", queue, text("end"))
	same("delivered", untilEnd(deliveries), []string{"to somewhere"})
}

func confirmation(taken <-chan amqp.Confirmation) amqp.Confirmation {
	select {
	case c := <-taken:
		return c
	case <-time.After(10 * time.Second):
		fail("no confirmation within 10 seconds")
	}
	panic("unreachable")
}
