module edgeloop.example/bento

go 1.26

require github.com/warpstreamlabs/bento v1.14.1
