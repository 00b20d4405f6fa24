package fleet_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/fleet"
)

func ExampleDemo() {
	s, err := fleet.Demo(1000, 0.02)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+v\n", s.Counts())
	// Output:
	// {Up:980 Down:20 Unknown:0}
}

func ExampleReadList() {
	list := "name,cluster,state\ndb-1,db,up\ndb-2,db,down\nweb-1,web,up\n"
	s, err := fleet.ReadList(strings.NewReader(list), time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC))
	if err != nil {
		fmt.Println(err)
		return
	}
	i, _ := s.Topology.ByName("db-2")
	fmt.Println(s.Topology.Server(i).Cluster, s.State(i))
	// Output:
	// db down
}
