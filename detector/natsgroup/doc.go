// Package natsgroup lets detectors that read the same batches share the costly part of it: opening
// them. Start with [New], give the [Group] to [detector.Options.Opener], and run [Group.Run].
//
// Every member of a group reads all batches, stores and judges them, so any of them can be lost at
// any time. Each opens the part of the batches that is its own, publishes what was in them to the
// others, sealed to those who hold the opening key, and takes the rest from the others. What does
// not come it opens itself. So what members say to each other saves work and decides nothing: it
// goes by plain NATS and is stored nowhere.
package natsgroup
