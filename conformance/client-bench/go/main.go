// The workloads of ../src/main.rs with github.com/rabbitmq/amqp091-go: the same words, the same line of JSON.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

type meter struct {
	began   time.Time
	cpu     float64
	mallocs uint64
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func mallocs() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.Mallocs
}

func start() meter { return meter{time.Now(), cpuSeconds(), mallocs()} }

func (m meter) print(workload string, size, count int) {
	seconds, n := time.Since(m.began).Seconds(), float64(count)
	fmt.Printf("{\"client\":\"amqp091-go\",\"workload\":%q,\"size\":%d,\"rate\":%.0f,\"cpu_s_per_million\":%.4f,\"allocations\":%.2f}\n",
		workload, size, n/seconds, (cpuSeconds()-m.cpu)/n*1e6, float64(mallocs()-m.mallocs)/n)
}

func memoryKiB() float64 {
	for _, line := range strings.Split(string(must(os.ReadFile("/proc/self/status"))), "\n") {
		if strings.HasPrefix(line, "VmRSS") {
			return must(strconv.ParseFloat(strings.Fields(line)[1], 64))
		}
	}
	panic("no VmRSS")
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "client-bench-go fire|confirm|sync|consume|idle SIZE COUNT URL")
		os.Exit(2)
	}
	workload, size, count, url := os.Args[1], must(strconv.Atoi(os.Args[2])), must(strconv.Atoi(os.Args[3])), os.Args[4]
	if workload == "idle" {
		before := memoryKiB()
		var all []*amqp.Connection
		for i := 0; i < count; i++ {
			all = append(all, must(amqp.Dial(url)))
		}
		fmt.Printf("{\"client\":\"amqp091-go\",\"workload\":\"idle\",\"kib_per_connection\":%.1f}\n", (memoryKiB()-before)/float64(len(all)))
		return
	}
	connection := must(amqp.Dial(url))
	channel := must(connection.Channel())
	queue := fmt.Sprintf("client-bench-go-%d", os.Getpid())
	must(channel.QueueDeclare(queue, false, false, false, false, nil))
	body, background := make([]byte, size), context.Background()
	// Not by deferred confirmations: in 1.5.0 one is registered after its message was sent, and waits for ever when the broker's
	// answer was quicker.
	var confirmed chan amqp.Confirmation
	if workload == "confirm" || workload == "sync" {
		confirmed = channel.NotifyPublish(make(chan amqp.Confirmation, 1000))
		check(channel.Confirm(false))
	}
	message := amqp.Publishing{Body: body}
	publish := func() { check(channel.PublishWithContext(background, "", queue, false, false, message)) }
	wait := func() {
		if confirm := <-confirmed; !confirm.Ack {
			panic("nack")
		}
	}
	var m meter
	switch workload {
	case "fire":
		m = start()
		for i := 0; i < count; i++ {
			publish()
		}
		check(channel.Qos(1000, 0, false))
	case "confirm":
		m = start()
		for i := 0; i < count; i++ {
			if i >= 1000 {
				wait()
			}
			publish()
		}
		for i := 0; i < count && i < 1000; i++ {
			wait()
		}
	case "sync":
		m = start()
		for i := 0; i < count; i++ {
			publish()
			wait()
		}
	case "consume":
		for i := 0; i < count; i++ {
			publish()
		}
		check(channel.Qos(1000, 0, false))
		m = start()
		deliveries := must(channel.Consume(queue, "c", false, false, false, false, nil))
		for i := 0; i < count; i++ {
			delivery := <-deliveries
			check(delivery.Ack(false))
		}
		check(channel.Qos(1000, 0, false))
	default:
		panic("no workload " + workload)
	}
	m.print(workload, size, count)
	must(channel.QueueDelete(queue, false, false, false))
	check(connection.Close())
}
