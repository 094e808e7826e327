package main

import "fmt"

func main() {
	scheme, err := newScheme()
	fmt.Println(len(scheme.AllKnownTypes()), err)
}
