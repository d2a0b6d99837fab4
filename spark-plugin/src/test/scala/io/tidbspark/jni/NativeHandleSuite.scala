package io.tidbspark.jni

import java.lang.ref.WeakReference
import java.util.concurrent.{ConcurrentLinkedQueue, CountDownLatch, TimeUnit}
import java.util.function.{LongConsumer, LongFunction}

import org.scalatest.funsuite.AnyFunSuite

class NativeHandleSuite extends AnyFunSuite {
  private val freed = new ConcurrentLinkedQueue[Long]

  private class Handle(address: Long)
      extends NativeHandle(
        "test handle",
        address,
        new LongConsumer { override def accept(value: Long): Unit = freed.add(value) }
      ) {
    def call[T](body: Long => T): T = use(new LongFunction[T] { override def apply(value: Long): T = body(value) })
  }

  private def run(body: => Unit): Thread = {
    val thread = new Thread(() => body)
    thread.start()
    thread
  }

  test("released exactly once, from however many threads it is closed") {
    val handle = new Handle(1001)
    assert(handle.call(_ + 1) == 1002)
    (1 to 16).map(_ => run(handle.close())).foreach(_.join())
    handle.close()
    assert(freed.stream().filter(_ == 1001L).count() == 1)
    assert(handle.isClosed)
  }

  test("use after close is an exception, not a crash") {
    val handle = new Handle(1002)
    handle.close()
    assert(intercept[NativeException](handle.call(identity)).kind == ErrorKind.Closed)
  }

  test("a close under a running call waits for the call, without blocking the closer") {
    val handle = new Handle(1003)
    val inside = new CountDownLatch(1)
    val leave = new CountDownLatch(1)
    val caller = run(handle.call { _ =>
      inside.countDown()
      leave.await(10, TimeUnit.SECONDS)
    })
    assert(inside.await(10, TimeUnit.SECONDS))
    handle.close()
    assert(!freed.contains(1003L), "still in use")
    assert(intercept[NativeException](handle.call(identity)).kind == ErrorKind.Closed)
    leave.countDown()
    caller.join()
    assert(freed.contains(1003L))
  }

  test("a call that fails gives the address back") {
    val handle = new Handle(1004)
    intercept[ArithmeticException](handle.call[Int](_ => throw new ArithmeticException))
    handle.close()
    assert(freed.contains(1004L))
  }

  test("a lost handle is released by the cleaner") {
    val lost = new WeakReference(new Handle(1005))
    val deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20)
    while (!freed.contains(1005L) && System.nanoTime() < deadline) {
      System.gc()
      Thread.sleep(20)
    }
    assert(freed.contains(1005L) && lost.get() == null)
  }

  test("no handle of address 0") {
    assert(intercept[NativeException](new Handle(0)).kind == ErrorKind.Internal)
  }
}
