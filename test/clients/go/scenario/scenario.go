// Package scenario runs named scenarios and prints a line for each, as README.md of the folder above describes.
package scenario

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// Timeout bounds whatever a scenario waits for.
const Timeout = 60 * time.Second

// Scenario is one entry of the list.
type Scenario struct {
	Name string
	Run  func() error
}

// Namespace is the namespace the suite has for itself.
func Namespace() string { return os.Getenv("KUBEMU_NAMESPACE") }

// RunAll runs the scenarios in order; the process fails when one of them does.
func RunAll(scenarios []Scenario) {
	failed := false
	for _, scenario := range scenarios {
		if err := run(scenario); err != nil {
			failed = true
			fmt.Printf("FAIL %s: %s\n", scenario.Name, strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Printf("PASS %s\n", scenario.Name)
		}
	}
	if failed {
		os.Exit(1)
	}
}

func run(scenario Scenario) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	return scenario.Run()
}

// Control asks the runner to do something with the server: "restart" or "compact".
func Control(action string) error {
	response, err := http.Post(os.Getenv("KUBEMU_CONTROL")+"/"+action, "text/plain", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", action, response.Status)
	}
	return nil
}

// Expect is an error when the condition does not hold.
func Expect(condition bool, format string, arguments ...any) error {
	if condition {
		return nil
	}
	return fmt.Errorf(format, arguments...)
}

// Eventually calls check until it answers nil; its last error when that takes too long.
func Eventually(check func() error) error {
	deadline := time.Now().Add(Timeout)
	for {
		err := check()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}
