package discover

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// EC2 are the instances of a region of Amazon's EC2, as its Query API has them. The targets are
// their private addresses, with the labels that Prometheus gives them (__meta_ec2_…).
type EC2 struct {
	Region   string      `yaml:"region"`   // required
	Endpoint string      `yaml:"endpoint"` // URL; empty: https://ec2.REGION.amazonaws.com
	Port     int         `yaml:"port"`     // of the targets; 0: 80
	Filters  []EC2Filter `yaml:"filters"`  // as of DescribeInstances

	// AccessKey and SecretKeyFile are of a user that may DescribeInstances. Empty: those of the
	// role of the instance on which this process runs, from its metadata service (IMDSv2).
	AccessKey     string `yaml:"access_key"`
	SecretKeyFile string `yaml:"secret_key_file"`

	metadata string // URL of the metadata service; empty: the real one; for tests
}

// EC2Filter selects instances that have one of the values.
type EC2Filter struct {
	Name   string   `yaml:"name"`
	Values []string `yaml:"values"`
}

const (
	ec2Version  = "2016-11-15" // of the API
	ec2Page     = 1000         // instances in an answer
	emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	metadataURL = "http://169.254.169.254"
)

func (e *EC2) validate() error {
	var faults []error
	if e.Region == "" || labelName(strings.ReplaceAll(e.Region, "-", "")) != strings.ReplaceAll(e.Region, "-", "") {
		faults = append(faults, errors.New("ec2.region: want a region, eu-west-1 for instance"))
	}
	if (e.AccessKey == "") != (e.SecretKeyFile == "") {
		faults = append(faults, errors.New("ec2.access_key: goes with secret_key_file"))
	}
	if e.Port < 0 || e.Port > 65535 {
		faults = append(faults, errors.New("ec2.port: want 1 to 65535"))
	}
	if u, err := url.Parse(e.Endpoint); e.Endpoint != "" && (err != nil || u.Host == "") {
		faults = append(faults, errors.New("ec2.endpoint: want a URL"))
	}
	return errors.Join(faults...)
}

// ec2Answer is an answer to DescribeInstances.
type ec2Answer struct {
	Reservations []struct {
		OwnerID   string        `xml:"ownerId"`
		Instances []ec2Instance `xml:"instancesSet>item"`
	} `xml:"reservationSet>item"`
	NextToken string `xml:"nextToken"`
}

type ec2Instance struct {
	ID           string `xml:"instanceId"`
	State        string `xml:"instanceState>name"`
	PrivateIP    string `xml:"privateIpAddress"`
	PublicIP     string `xml:"ipAddress"`
	PrivateDNS   string `xml:"privateDnsName"`
	PublicDNS    string `xml:"dnsName"`
	Zone         string `xml:"placement>availabilityZone"`
	Type         string `xml:"instanceType"`
	Image        string `xml:"imageId"`
	Architecture string `xml:"architecture"`
	Platform     string `xml:"platform"`
	Lifecycle    string `xml:"instanceLifecycle"`
	VPC          string `xml:"vpcId"`
	Subnet       string `xml:"subnetId"`
	Tags         []struct {
		Key   string `xml:"key"`
		Value string `xml:"value"`
	} `xml:"tagSet>item"`
}

// look describes the instances, page by page.
func (e *EC2) look(ctx context.Context) (all []group, err error) {
	api, err := newAPI(e.Endpoint, "https://ec2."+e.Region+".amazonaws.com", "")
	if err != nil {
		return nil, err
	}
	defer api.close()
	credentials, err := e.credentials(ctx)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	api.sign = func(r *http.Request) error {
		return v4.NewSigner().SignHTTP(ctx, credentials, r, emptySHA256, "ec2", e.Region, time.Now())
	}
	query := e.query()
	for {
		text, err := api.fetch(ctx, http.MethodGet, "/", query)
		if err != nil {
			return nil, err
		}
		var page ec2Answer
		if err := xml.Unmarshal(text, &page); err != nil {
			return nil, fmt.Errorf("not the XML that is expected: %w", err)
		}
		for _, r := range page.Reservations {
			for i := range r.Instances {
				if g := r.Instances[i].group(e, r.OwnerID); g.Targets != nil {
					all = append(all, g)
				}
			}
		}
		if len(all) > MaxTargets {
			return nil, fmt.Errorf("more than %d targets", MaxTargets)
		}
		if page.NextToken == "" {
			return all, nil
		}
		query.Set("NextToken", page.NextToken)
	}
}

func (e *EC2) query() url.Values {
	v := url.Values{"Action": {"DescribeInstances"}, "Version": {ec2Version}, "MaxResults": {strconv.Itoa(ec2Page)}}
	for i, f := range e.Filters {
		key := fmt.Sprintf("Filter.%d.", i+1)
		v.Set(key+"Name", f.Name)
		for k, value := range f.Values {
			v.Set(fmt.Sprintf("%sValue.%d", key, k+1), value)
		}
	}
	return v
}

// credentials returns the configured ones, or those of the instance's role.
func (e *EC2) credentials(ctx context.Context) (c aws.Credentials, err error) {
	if e.AccessKey != "" {
		c.AccessKeyID = e.AccessKey
		c.SecretAccessKey, err = readToken(e.SecretKeyFile)
		return c, err
	}
	api, err := newAPI(e.metadata, metadataURL, "")
	if err != nil {
		return c, err
	}
	defer api.close()
	api.direct()
	api.header["X-aws-ec2-metadata-token-ttl-seconds"] = "60"
	token, err := api.fetch(ctx, http.MethodPut, "/latest/api/token", nil)
	if err != nil {
		return c, err
	}
	api.header = map[string]string{"X-aws-ec2-metadata-token": string(token)}
	const path = "/latest/meta-data/iam/security-credentials/"
	role, err := api.fetch(ctx, http.MethodGet, path, nil)
	if err != nil {
		return c, err
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(role)), "\n")
	var answer struct{ AccessKeyID, SecretAccessKey, Token string }
	if err := api.get(ctx, path+first, nil, &answer); err != nil {
		return c, err
	}
	return aws.Credentials{AccessKeyID: answer.AccessKeyID, SecretAccessKey: answer.SecretAccessKey, SessionToken: answer.Token}, nil
}

// group returns an instance with Prometheus' labels. One without a private address is no target.
func (i *ec2Instance) group(e *EC2, owner string) (g group) {
	if i.PrivateIP == "" {
		return g
	}
	port := e.Port
	if port == 0 {
		port = 80
	}
	const prefix = "__meta_ec2_"
	g = group{Targets: []string{net.JoinHostPort(i.PrivateIP, strconv.Itoa(port))}, Labels: map[string]string{}}
	for name, value := range map[string]string{
		"instance_id": i.ID, "instance_state": i.State, "private_ip": i.PrivateIP, "public_ip": i.PublicIP, "private_dns_name": i.PrivateDNS,
		"public_dns_name": i.PublicDNS, "availability_zone": i.Zone, "instance_type": i.Type, "ami": i.Image, "architecture": i.Architecture,
		"platform": i.Platform, "instance_lifecycle": i.Lifecycle, "vpc_id": i.VPC, "subnet_id": i.Subnet, "owner_id": owner, "region": e.Region,
	} {
		if value != "" {
			g.Labels[prefix+name] = value
		}
	}
	for _, t := range i.Tags {
		g.Labels[prefix+"tag_"+labelName(t.Key)] = t.Value
	}
	return g
}
