package io.tidbspark

import java.util.Optional
import java.util.concurrent.ConcurrentHashMap

import org.apache.spark.sql.tidb.SparkInternals

import io.tidbspark.errors.TiErrors
import io.tidbspark.jni.{NativeLibrary, NativeSession}
import io.tidbspark.proto.SessionConfig

/**
 * The native sessions of this JVM, one per cluster and way of reaching it, shared by all Spark sessions and tasks. They live as long
 * as the JVM: what they hold (channels, the region cache) is worth keeping, and is small.
 */
object TiSessions {

  /** Opening takes a lock per configuration, not one for all: a cluster that does not answer holds up only its own users. */
  final private class Slot {
    private var session: Option[NativeSession] = None

    def get(config: SessionConfig): NativeSession = synchronized {
      session.getOrElse {
        val opened = NativeSession.connect(config.toByteArray)
        session = Some(opened)
        opened
      }
    }
  }

  private val slots = new ConcurrentHashMap[SessionConfig, Slot]

  /** The session of that configuration, opened if need be; a failure to open is not kept. */
  def get(config: SessionConfig): NativeSession = TiErrors.translating {
    loadLibrary()
    slots.computeIfAbsent(config, _ => new Slot).get(config)
  }

  /** For natives that need no session. */
  private[tidbspark] def loadLibrary(): Unit =
    NativeLibrary.load(setting(NativeLibrary.LIBRARY_KEY), setting(NativeLibrary.DIRECTORY_KEY))

  private def setting(key: String): Optional[String] = SparkInternals.sparkConf(key) match {
    case Some(value) => Optional.of(value)
    case None => Optional.empty()
  }
}
