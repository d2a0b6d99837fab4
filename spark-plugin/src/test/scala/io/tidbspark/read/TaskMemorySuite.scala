package io.tidbspark.read

import org.apache.spark.memory.{MemoryConsumer, TaskMemoryManager}
import org.apache.spark.sql.tidb.SparkInternals
import org.apache.spark.{SparkConf, SparkContext, TaskContext}
import org.scalatest.BeforeAndAfterAll
import org.scalatest.funsuite.AnyFunSuite

/** In a real task of a local Spark: only there is a task memory manager. */
class TaskMemorySuite extends AnyFunSuite with BeforeAndAfterAll {
  private val megabyte = 1L << 20

  private lazy val spark = new SparkContext(
    new SparkConf()
      .setMaster("local[1]")
      .setAppName("TaskMemorySuite")
      .set("spark.ui.enabled", "false")
      .set("spark.driver.host", "127.0.0.1")
      .set("spark.memory.offHeap.enabled", "true")
      .set("spark.memory.offHeap.size", (100 * megabyte).toString)
      // A task that ends with memory still acquired fails.
      .set("spark.unsafe.exceptionOnMemoryLeak", "true")
  )

  override protected def afterAll(): Unit = spark.stop()

  private def inTask[T: scala.reflect.ClassTag](body: TaskContext => T): T =
    spark.parallelize(Seq(0), 1).map(_ => body(TaskContext.get())).collect().head

  test("what a scan may hold is acquired from the task and given back once") {
    val (bytes, during, after) = inTask { context =>
      val manager = SparkInternals.taskMemoryManager(context)
      val memory = TaskMemory.acquire(Some(context), 20 * (1L << 20))
      val during = manager.getMemoryConsumptionForThisTask
      memory.close()
      memory.close()
      (memory.bytes, during, manager.getMemoryConsumptionForThisTask)
    }
    assert(bytes == 20 * megabyte && during == 20 * megabyte && after == 0)
  }

  test("a short grant lowers the limit") {
    val bytes = inTask { context =>
      val other = new TaskMemorySuite.Hog(SparkInternals.taskMemoryManager(context))
      other.acquireMemory(70 * (1L << 20))
      val memory = TaskMemory.acquire(Some(context), 64 * (1L << 20))
      memory.close()
      other.freeMemory(other.getUsed)
      memory.bytes
    }
    assert(bytes == 30 * megabyte)
  }

  test("a scan never gets less than the floor, nor more than it asked for") {
    val (starved, small) = inTask { context =>
      val other = new TaskMemorySuite.Hog(SparkInternals.taskMemoryManager(context))
      other.acquireMemory(100 * (1L << 20))
      val memory = TaskMemory.acquire(Some(context), 64 * (1L << 20))
      val little = TaskMemory.acquire(Some(context), 1L << 20)
      memory.close()
      little.close()
      other.freeMemory(other.getUsed)
      (memory.bytes, little.bytes)
    }
    assert(starved == TaskMemory.Floor && small == megabyte)
  }

  test("outside a task nothing is accounted") {
    val memory = TaskMemory.acquire(None, 5)
    assert(memory.bytes == 5)
    memory.close()
  }
}

object TaskMemorySuite {

  /** Holds memory and does not give it up. */
  private class Hog(manager: TaskMemoryManager)
      extends MemoryConsumer(manager, manager.pageSizeBytes(), manager.getTungstenMemoryMode) {
    override def spill(size: Long, trigger: MemoryConsumer): Long = 0L
  }
}
