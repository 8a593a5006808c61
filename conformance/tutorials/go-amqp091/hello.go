package main

import amqp "github.com/rabbitmq/amqp091-go"

// hello: one message through a queue, by way of the default exchange.
func hello(conn *amqp.Connection) {
	ch := open(conn)
	q, err := ch.QueueDeclare(unique("hello"), false, true, false, false, nil)
	must(err)
	same("new queue", []int{q.Messages, q.Consumers}, []int{0, 0})

	publish(ch, "", q.Name, amqp.Publishing{
		ContentType: "text/plain",
		Headers:     amqp.Table{"language": "Grüße", "number": int32(42)},
		Body:        []byte("Hello World!"),
	})
	deliveries, err := ch.Consume(q.Name, "", true, false, false, false, nil)
	must(err)

	d := next(deliveries)
	same("body", string(d.Body), "Hello World!")
	same("content type", d.ContentType, "text/plain")
	same("header language", d.Headers["language"], "Grüße")
	same("header number", d.Headers["number"], int32(42))
	same("exchange", d.Exchange, "")
	same("routing key", d.RoutingKey, q.Name)
	same("redelivered", d.Redelivered, false)
	same("delivery tag", d.DeliveryTag, uint64(1))
}
