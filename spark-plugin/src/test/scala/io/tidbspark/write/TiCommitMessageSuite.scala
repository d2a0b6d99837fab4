package io.tidbspark.write

import org.apache.spark.SparkConf
import org.apache.spark.serializer.{JavaSerializer, KryoSerializer}
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.proto.CommitMessage

class TiCommitMessageSuite extends AnyFunSuite {
  private val proto = CommitMessage
    .newBuilder()
    .setPartition(3)
    .setAttemptNumber(1)
    .setStageAttemptNumber(2)
    .setRows(10)
    .setTally(com.google.protobuf.ByteString.copyFrom(Array[Byte](0, -1, 5)))
    .build()

  test("survives both of Spark's serialisers") {
    val conf = new SparkConf()
    Seq(new JavaSerializer(conf), new KryoSerializer(conf)).foreach { serializer =>
      val instance = serializer.newInstance()
      val message = TiCommitMessage(proto.toByteArray, 10, Array(1, 2))
      val copy = instance.deserialize[TiCommitMessage](instance.serialize(message))
      assert(copy == message && copy.hashCode == message.hashCode && copy.toProto == proto)
    }
  }

  test("the factory travels to executors") {
    val instance = new JavaSerializer(new SparkConf()).newInstance()
    val factory = new TiDataWriterFactory("t", Array(1), Array(2), WriteFixtures.ab, 64L << 20)
    assert(instance.deserialize[TiDataWriterFactory](instance.serialize(factory)) != null)
  }
}
