package rs_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/heliograph-net/heliograph/detector/localise/rs"
)

func ExampleRun() {
	table := `min,cdn,bitrate,value,cnt
1566397260,5,500,4,400
1566397260,5,2000,90,400
1566397260,7,500,5,500
1566397260,7,2000,110,500
1566397200,5,500,3,400
1566397200,5,2000,5,400
1566397200,7,500,4,500
1566397200,7,2000,6,500
`
	o := rs.Options{File: "table.csv", At: []int64{1566397260}, Top: 1}
	if err := rs.Run(os.Stdout, strings.NewReader(table), o); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"at":1566397260,"rank":1,"scope":{"bitrate":"2000"},"score":361.555,"share":0.992}
}
