module edgeloop.example/producer

go 1.23

require (
	github.com/hamba/avro/v2 v2.29.0
	github.com/twmb/franz-go v1.19.5
)
